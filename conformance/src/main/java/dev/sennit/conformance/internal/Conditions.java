package dev.sennit.conformance.internal;

import java.util.concurrent.Callable;

/** Waiting for what happens in the background: looks often, and gives up after half a minute. */
public final class Conditions {
    private static final long BOUND_NANOS = 30_000_000_000L;

    private Conditions() {}

    /** Begins a wait; {@code what} is said by the failure. */
    public static Condition await(String what) {
        return new Condition(what);
    }

    /** What is waited for. The calling thread looks, and fails when it is interrupted. */
    public record Condition(String what) {
        /** Waits until something is true; fails at once if it cannot be told. */
        public void until(Callable<Boolean> condition) {
            look(() -> condition.call() ? null : new AssertionError("it is not so"));
        }

        /** Waits until nothing is wrong; anything thrown but an {@link AssertionError} fails at once. */
        public void untilAsserted(Assertion assertion) {
            look(() -> {
                try {
                    assertion.run();
                    return null;
                } catch (AssertionError e) {
                    return e;
                }
            });
        }

        private void look(Callable<AssertionError> wrong) {
            long start = System.nanoTime();
            try {
                for (AssertionError last = wrong.call(); last != null; last = wrong.call()) {
                    if (System.nanoTime() - start > BOUND_NANOS) {
                        throw new AssertionError("after 30 s: " + what, last);
                    }
                    Thread.sleep(1);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted: " + what, e);
            } catch (Exception e) {
                throw new AssertionError("cannot be told: " + what, e);
            }
        }
    }

    /** Throws an {@link AssertionError} while something is wrong. */
    public interface Assertion {
        void run() throws Exception;
    }
}
