package dev.sennit;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** Waiting for what happens in the background: looks often, and gives up after half a minute. */
public final class Conditions {
    private Conditions() {}

    /** As {@code Awaitility.await}, with our bounds, and without its interest in exceptions of other threads. */
    public static ConditionFactory await(String what) {
        return Awaitility.await(what)
                .dontCatchUncaughtExceptions()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .atMost(Duration.ofSeconds(30));
    }
}
