package dev.sennit.micrometer;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;

/** Waits for what has to happen. */
final class Waits {
    private Waits() {}

    static void until(BooleanSupplier condition) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(5))
                .until(condition::getAsBoolean);
    }
}
