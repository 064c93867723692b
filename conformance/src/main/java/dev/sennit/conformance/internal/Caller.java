package dev.sennit.conformance.internal;

import static org.assertj.core.api.Assertions.fail;

import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/** A thread that calls something which may wait, for tests that watch it or interrupt it. */
public final class Caller<T> {
    private final FutureTask<T> call;
    private final Thread thread;

    private Caller(ThreadFactory threads, Callable<T> body) {
        call = new FutureTask<>(body);
        thread = threads.newThread(call);
        thread.start();
    }

    public static <T> Caller<T> of(Callable<T> body) {
        return on(Thread.ofPlatform().daemon().name("caller").factory(), body);
    }

    /** One on another kind of thread. */
    public static <T> Caller<T> on(ThreadFactory threads, Callable<T> body) {
        return new Caller<>(threads, body);
    }

    /** Waits until the thread waits inside a method of that name. */
    public void awaitWaitingIn(String method) {
        Conditions.await("the caller waits in " + method).until(() -> call.isDone() || waitsIn(method));
        if (call.isDone()) {
            fail("the caller should wait in " + method + " but has ended: " + call);
        }
    }

    /** The same for a wait in the operating system, which counts as running. */
    public void awaitInside(String method) {
        Conditions.await("the caller is inside of " + method).until(() -> call.isDone() || isInside(method));
        if (call.isDone()) {
            fail("the caller should be inside of " + method + " but has ended: " + call);
        }
    }

    private boolean waitsIn(String method) {
        Thread.State state = thread.getState();
        return (state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING) && isInside(method);
    }

    private boolean isInside(String method) {
        return Arrays.stream(thread.getStackTrace()).anyMatch(frame -> frame.getMethodName().equals(method));
    }

    public void interrupt() {
        thread.interrupt();
    }

    public boolean isDone() {
        return call.isDone();
    }

    /** What the call returned; fails if it threw. */
    public T result() throws Exception {
        return call.get(30, TimeUnit.SECONDS);
    }

    /** What the call threw; fails if it returned. */
    public Throwable failure() throws Exception {
        try {
            return fail("the call should throw, returned " + call.get(30, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }
}
