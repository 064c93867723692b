package dev.sennit.internal.boot.canary;

import dev.sennit.internal.Backend;

/** Breaks a rule, to see that it is looked at. */
public final class KnowsBackend {
    private KnowsBackend() {}

    /**
     * Asks what a worker without the library has not.
     *
     * @return the time
     */
    public static long time() {
        return Backend.current().nanoTime();
    }
}
