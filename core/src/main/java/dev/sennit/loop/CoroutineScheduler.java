package dev.sennit.loop;

import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** What makes coroutines take turns. There are two. */
interface CoroutineScheduler {

    EventLoop.Mechanism mechanism();

    /** Makes a coroutine, which does not run before it is started. From any thread. */
    Thread newCoroutine(Runnable body);

    /** Lets a new coroutine run when those have run that could go on before it. From any thread. */
    void start(Thread coroutine);

    /** Lets a new coroutine run now, until it waits for the first time; the calling coroutine goes on right after that. */
    void startNow(Thread coroutine);

    /**
     * Does something small once it is due, between two turns. From any thread.
     *
     * @param due in terms of {@link System#nanoTime}
     */
    Future<?> at(long due, Runnable action);

    /** Whether the calling code is a coroutine of this one, or runs between two turns. */
    boolean isHere();

    /** Lets others run that can. */
    void yieldHere();

    /** Waits in code that may block; see {@link EventLoop#suspending}. */
    <T extends @Nullable Object> T suspending(Callable<T> wait) throws Exception;

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
