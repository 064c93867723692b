package dev.sennit.loop;

import java.io.IOException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Makes coroutines take turns: {@link LoopScheduler}, or {@link BatonScheduler} where the JDK does not let us schedule
 * virtual threads.
 */
interface CoroutineScheduler {

    /** The body of a coroutine. */
    interface Body extends Runnable {
        /** Sets the coroutine's thread, before it is started. */
        void runsIn(Thread itsThread);
    }

    EventLoop.Mechanism mechanism();

    /**
     * Starts a coroutine. From any thread.
     *
     * @param now whether the new coroutine runs at once, until its first wait, and the calling coroutine right after
     *     that. Ignored unless the caller is a coroutine of this scheduler: the new one then runs after those that are
     *     ready
     */
    void start(Body body, String name, boolean now);

    /**
     * Runs a short action after a delay, while no coroutine has a turn. From any thread.
     *
     * @param nanos the delay
     */
    Future<?> after(long nanos, Runnable action);

    /** Returns whether the calling code is in a turn of a coroutine of this scheduler. */
    boolean isHere();

    /** Lets the coroutines run that are ready, then goes on. */
    void yieldHere();

    /**
     * Returns the selector in which coroutines wait for channels. It is made on the first call, and closed at the end.
     * In a turn only.
     */
    LoopSelector selector() throws IOException;

    /** Says that no task will be started any more, and has {@code whenOver} called when the remaining work has run. */
    void finish(Runnable whenOver);

    // ---- for observers, from any thread ----

    /** What a scheduler is doing. */
    enum Doing {
        /** Some coroutine has a turn, or is about to. */
        TURNS,
        /** Waits for a timer, the network or another thread, or has nothing to do. */
        WAITS,
        /** Nothing is ready, no timer is set, no channel is open: only another thread can make it go on. */
        WAITS_FOR_OTHERS
    }

    Doing doing();

    /** Returns a number that changes with every turn. */
    long turns();

    /** Returns the virtual thread that has the turn; null if there is none, or if it cannot be told. */
    @Nullable Thread running();
}
