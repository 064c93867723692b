package dev.sennit.examples.retries;

import dev.sennit.Attempt;
import dev.sennit.Backoff;
import dev.sennit.Retry;
import dev.sennit.RetryExhaustedException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Calls a service that fails now and then until it answers, and shows what is left of all attempts when it never does.
 */
public final class RetryCalls {
    private RetryCalls() {}

    public static void main(String[] arguments) throws InterruptedException, IOException {
        Retry retry = Retry.attempts(3).waiting(Backoff.exponential(Duration.ofMillis(10)).fullJitter());

        var flaky = new AtomicInteger();
        System.out.println(retry.call(() -> answer(flaky, 3)));

        var dead = new AtomicInteger();
        try {
            retry.call(() -> answer(dead, 100));
        } catch (RetryExhaustedException e) {
            System.out.println("gave up after " + e.attemptCount() + " attempts");
            for (Attempt attempt : e.attempts()) {
                System.out.println(attempt.number() + ": " + attempt.failure());
            }
        }
    }

    private static String answer(AtomicInteger calls, int from) throws IOException {
        int call = calls.incrementAndGet();
        if (call < from) {
            throw new IOException("no answer to call " + call);
        }
        return "answer to call " + call;
    }
}
