package dev.sennit.internal;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * The seam between the library and the machine's time and threads: the clock, the timer, and permission to start a thread.
 *
 * <p>Everything here can fail on a loaded machine: the JDK throws an {@link OutOfMemoryError} when the system gives it no more
 * threads. Tests put a backend in place that fails on demand, so that each of these failures is met at chosen points. The idea is
 * that of OkHttp's {@code TaskRunner.Backend}.
 */
public class Backend {
    private static final ScheduledThreadPoolExecutor CLOCK = clock();

    private static volatile Backend current = new Backend();

    /** The machine's own. */
    protected Backend() {}

    /**
     * The backend in use.
     *
     * @return the machine's own unless a test has put another in place
     */
    public static Backend current() {
        return current;
    }

    /**
     * Puts a backend in place, for tests.
     *
     * @param next what to use from now on
     * @return what was in use
     */
    public static Backend replace(Backend next) {
        Backend before = current;
        current = next;
        return before;
    }

    /**
     * Starts a thread of the library.
     *
     * @param thread one that has not been started
     * @return the thread
     * @throws OutOfMemoryError if the system gives no more threads
     */
    public static Thread start(Thread thread) {
        current.starting(thread);
        thread.start();
        return thread;
    }

    /**
     * A factory for executors that start threads by themselves.
     *
     * @param threads what the threads are like
     * @return a factory that fails when the backend gives no thread
     */
    public static ThreadFactory factory(Thread.Builder threads) {
        return body -> {
            Thread thread = threads.unstarted(body);
            current.starting(thread);
            return thread;
        };
    }

    /**
     * Reads the clock.
     *
     * @return nanoseconds since some moment; only differences mean anything
     */
    public long nanoTime() {
        return System.nanoTime();
    }

    /**
     * Called before a thread of the library is started.
     *
     * @param thread what is about to be started
     * @throws OutOfMemoryError if there is no thread to be had
     */
    protected void starting(Thread thread) {}

    /**
     * Called before a run of a task is interrupted, as it is to stop.
     *
     * @param thread what is about to be interrupted
     */
    protected void interrupting(Thread thread) {}

    /**
     * Asks the backend before a run of a task is interrupted.
     *
     * @param thread what is about to be interrupted
     */
    public static void beforeInterrupt(Thread thread) {
        current.interrupting(thread);
    }

    /**
     * Has the timer's thread do something later. There is one such thread in the JVM; it goes away when nothing is scheduled.
     *
     * @param action something short that does not block
     * @param nanos how long not to do it
     * @return a handle whose {@code cancel(false)} calls it off
     * @throws OutOfMemoryError if there is no thread to be had for the timer; the action is then never run
     */
    protected Future<?> schedule(Runnable action, long nanos) {
        CLOCK.prestartCoreThread(); // before the action is queued: this is what may fail
        return CLOCK.schedule(action, nanos, TimeUnit.NANOSECONDS);
    }

    private static ScheduledThreadPoolExecutor clock() {
        var clock = new ScheduledThreadPoolExecutor(1, factory(Thread.ofPlatform().daemon().name("sennit-timer")));
        clock.setRemoveOnCancelPolicy(true);
        clock.setKeepAliveTime(1, TimeUnit.SECONDS);
        clock.allowCoreThreadTimeOut(true);
        return clock;
    }
}
