package dev.sennit.examples.retries;

import dev.sennit.Backoff;
import dev.sennit.Retry;
import dev.sennit.RetryExhaustedException;
import dev.sennit.Stop;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Gives up after some attempts, after some time, or when the program is shutting down, whichever comes first. */
public final class RetryStops {
    private RetryStops() {}

    public static void main(String[] arguments) throws Exception {
        var shutdown = new AtomicBoolean();
        Stop stop = Stop.afterAttempts(5)
                .or(Stop.beforeTime(Duration.ofSeconds(30)))
                .or(Stop.when(shutdown::get));

        System.out.println("attempts: " + attemptsUntil(stop, Backoff.none(), number -> {}));
        System.out.println("time: " + attemptsUntil(stop, Backoff.fixed(Duration.ofMinutes(1)), number -> {}));
        System.out.println("shutdown: " + attemptsUntil(stop, Backoff.none(), number -> shutdown.set(number == 2)));
    }

    private static int attemptsUntil(Stop stop, Backoff backoff, IntConsumer body) throws Exception {
        var number = new AtomicInteger();
        try {
            Retry.until(stop).waiting(backoff).run(() -> {
                body.accept(number.incrementAndGet());
                throw new IOException("no answer");
            });
        } catch (RetryExhaustedException e) {
            return e.attemptCount();
        }
        throw new AssertionError("the body never succeeds");
    }
}
