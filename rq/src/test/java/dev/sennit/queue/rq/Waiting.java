package dev.sennit.queue.rq;

import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Waits for what has to happen. */
final class Waiting {
    private static final long BOUND_NANOS = 60_000_000_000L;
    private static final long PAUSE_NANOS = 10_000_000;

    private Waiting() {}

    static void until(String what, Callable<Boolean> condition) {
        long start = System.nanoTime();
        try {
            while (!condition.call()) {
                if (System.nanoTime() - start > BOUND_NANOS) {
                    throw new AssertionError("after a minute it is not so: " + what);
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } catch (AssertionError | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(what, e);
        }
    }
}
