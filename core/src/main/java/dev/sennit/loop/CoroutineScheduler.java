package dev.sennit.loop;

import java.util.concurrent.Future;

/** What makes coroutines take turns. There are two: {@link LoopScheduler}, and {@link
 * BatonScheduler} where that cannot be. */
interface CoroutineScheduler {

    EventLoop.Mechanism mechanism();

    /**
     * Starts a coroutine. From any thread.
     *
     * @param now if the calling code is a coroutine of this one: whether the new one runs at once, until it waits for the
     *     first time, and the calling one right after it. Otherwise it runs after those that can go on now
     */
    void start(Runnable body, String name, boolean now);

    /**
     * Does something small once it is due, between two turns. From any thread.
     *
     * @param due in terms of {@link System#nanoTime}
     */
    Future<?> at(long due, Runnable action);

    /** Whether the calling code is in a turn of one of these coroutines. */
    boolean isHere();

    /** Lets others run that can. */
    void yieldHere();

    /** Says that nothing more is going to be started, and asks for a call when all that is left has run. */
    void finish(Runnable whenOver);
}
