package dev.sennit.testing;

import java.util.ArrayList;
import java.util.List;

/** Threads for bodies of schedules. */
public final class Together {
    private Together() {}

    /** The action of a thread. */
    @FunctionalInterface
    public interface Part {
        /**
         * Runs the action.
         *
         * @throws Exception to fail the schedule
         */
        void run() throws Exception;
    }

    /**
     * Runs several actions at the same time, and waits for their ends.
     *
     * @param parts the action of each thread
     * @throws InterruptedException if the calling thread is interrupted
     */
    public static void together(Part... parts) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Part part : parts) {
            threads.add(begin(part));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /**
     * Runs an action in a thread of its own.
     *
     * @param part the action
     * @return the thread
     */
    public static Thread begin(Part part) {
        return Thread.startVirtualThread(unchecked(part));
    }

    /**
     * Interrupts one of two waiting threads, then ends one wait, and checks that the other thread gets the element or
     * permit.
     *
     * @param await the wait of both threads
     * @param give the action that ends one wait
     * @throws Exception if {@code give} throws it
     */
    public static void cancelledFirst(Part await, Part give) throws Exception {
        boolean[] has = new boolean[2];
        List<Thread> both = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            int number = i;
            both.add(begin(() -> {
                try {
                    await.run();
                    has[number] = true;
                } catch (InterruptedException e) {
                    check(number == 0, "an interrupt of the other one");
                }
            }));
        }
        both.getFirst().interrupt();
        give.run();
        for (Thread one : both) {
            one.join();
        }
        check(has[1] && !has[0], has[0] ? "the one that was cancelled first" : "none");
    }

    /**
     * Wraps an action for methods that take a {@code Runnable}.
     *
     * @param part the action
     * @return a runnable that throws an error where the action throws an exception
     */
    public static Runnable unchecked(Part part) {
        return () -> {
            try {
                part.run();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        };
    }

    /**
     * Fails the schedule unless a condition holds.
     *
     * @param holds the condition that has to hold
     * @param found the actual state, for the message
     */
    public static void check(boolean holds, Object found) {
        if (!holds) {
            throw new AssertionError("found " + found);
        }
    }
}
