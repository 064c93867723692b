package dev.sennit.loop;

import java.io.IOException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** What makes coroutines take turns: {@link LoopScheduler}, or {@link BatonScheduler} where that cannot be. */
interface CoroutineScheduler {

    /** What a coroutine runs. */
    interface Body extends Runnable {
        /** Tells the coroutine's thread, before that is started. */
        void runsIn(Thread itsThread);
    }

    EventLoop.Mechanism mechanism();

    /**
     * Starts a coroutine. From any thread.
     *
     * @param now if the calling code is a coroutine of this one: whether the new one runs at once, until it waits for the
     *     first time, and the calling one right after it. Otherwise it runs after those that can go on now
     */
    void start(Body body, String name, boolean now);

    /**
     * Does something small after a delay, between two turns. From any thread.
     *
     * @param nanos how long
     */
    Future<?> after(long nanos, Runnable action);

    /** Whether the calling code is in a turn of one of these coroutines. */
    boolean isHere();

    /** Lets others run that can. */
    void yieldHere();

    /** Where coroutines wait for channels; made when first asked for, closed at the end. In a turn. */
    LoopSelector selector() throws IOException;

    /** Says that nothing more is going to be started, and asks for a call when all that is left has run. */
    void finish(Runnable whenOver);

    // ---- for those who look on, from any thread ----

    /** What a scheduler does. */
    enum Doing {
        /** Something has its turn, or is about to. */
        TURNS,
        /** It waits until a timer is due or the network has something, or has nothing at all to wait for. */
        WAITS,
        /** It waits, and only another thread can make it go on: nothing is ready, no timer is set. */
        WAITS_FOR_OTHERS
    }

    Doing doing();

    /** Changes with every turn. */
    long turns();

    /** The virtual thread whose turn it is; null if it is nobody's, or cannot be told. */
    @Nullable Thread running();
}
