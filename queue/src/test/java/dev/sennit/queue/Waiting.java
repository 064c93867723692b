package dev.sennit.queue;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;

/** Waits for what has to happen. */
final class Waiting {
    private Waiting() {}

    static void until(BooleanSupplier condition) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(2)).until(
                condition::getAsBoolean);
    }
}
