package dev.sennit.examples.context;

import dev.sennit.CancelScope;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** Limits the time of a block of code, and shields the part of it that has to come to its end. */
public final class TimeLimits {
    private TimeLimits() {}

    public static void main(String[] arguments) throws Exception {
        try {
            CancelScope.within(Duration.ofMillis(50)).run(() -> {
                try {
                    Thread.sleep(60_000);
                } finally {
                    CancelScope.within(Duration.ofSeconds(5)).shielded().run(() -> {
                        Thread.sleep(100); // would be interrupted without the shield
                        System.out.println("cleaned up");
                    });
                }
            });
        } catch (TimeoutException e) {
            System.out.println(e.getMessage());
        }
    }
}
