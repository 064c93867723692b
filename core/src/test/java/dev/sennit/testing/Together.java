package dev.sennit.testing;

import java.util.ArrayList;
import java.util.List;

/** Threads for bodies of schedules. */
public final class Together {
    private Together() {}

    /** Something that a thread does. */
    @FunctionalInterface
    public interface Part {
        /**
         * Does it.
         *
         * @throws Exception to have the schedule fail
         */
        void run() throws Exception;
    }

    /**
     * Does several things at once, and waits for them.
     *
     * @param parts what each thread does
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
     * Does something in a thread of its own.
     *
     * @param part what
     * @return the thread
     */
    public static Thread begin(Part part) {
        return Thread.startVirtualThread(unchecked(part));
    }

    /**
     * Interrupts one of two threads that wait, gives one of them what they wait for, and checks that the other one has
     * it.
     *
     * @param await what both do
     * @param give what ends one wait
     * @throws Exception of what gives
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
     * The same for those who take a {@code Runnable}.
     *
     * @param part what to do
     * @return what fails with an error where that throws an exception
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
     * Fails a schedule.
     *
     * @param holds what has to hold
     * @param found what there is, for the message
     */
    public static void check(boolean holds, Object found) {
        if (!holds) {
            throw new AssertionError("found " + found);
        }
    }
}
