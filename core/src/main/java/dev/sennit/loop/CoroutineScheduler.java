package dev.sennit.loop;

import java.io.IOException;
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

    /** Where coroutines wait for channels; made when first asked for, closed at the end. In a turn. */
    LoopSelector selector() throws IOException;

    /** Says that nothing more is going to be started, and asks for a call when all that is left has run. */
    void finish(Runnable whenOver);
}
