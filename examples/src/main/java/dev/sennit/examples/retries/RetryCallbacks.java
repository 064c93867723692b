package dev.sennit.examples.retries;

import dev.sennit.Backoff;
import dev.sennit.Retry;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Follows a retry while it goes on, and prints its figures afterwards. */
public final class RetryCallbacks {
    private RetryCallbacks() {}

    public static void main(String[] arguments) throws Exception {
        Retry retry = Retry.attempts(4)
                .waiting(Backoff.exponential(Duration.ofMillis(1)))
                .beforeAttempt(number -> System.out.println("attempt " + number))
                .afterAttempt(
                        attempt -> System.out.println(attempt.failed() ? "failed" : "returned " + attempt.value()))
                .beforeWait((attempt, wait) -> System.out.println("waiting " + wait.toMillis() + " ms"));
        var calls = new AtomicInteger();
        retry.call(() -> {
            if (calls.incrementAndGet() < 3) {
                throw new IOException("no answer");
            }
            return "answer";
        });
        System.out.println(retry.statistics());
    }
}
