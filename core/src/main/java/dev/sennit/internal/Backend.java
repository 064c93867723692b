package dev.sennit.internal;

import java.time.Instant;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * The seam between the library and the machine's time and threads: the clock, the timer, and permission to start a
 * thread.
 *
 * <p>Threads and timers can fail on a loaded machine: the JDK throws an {@link OutOfMemoryError} when the system
 * provides no more threads. Tests install a backend that fails on demand, at chosen points. The idea is that of
 * OkHttp's {@code TaskRunner.Backend}.
 */
public class Backend {
    private static final ScheduledThreadPoolExecutor CLOCK = clock();

    private static volatile Backend current = new Backend();

    /** Creates the machine's own backend. */
    protected Backend() {}

    /**
     * Returns the backend in use.
     *
     * @return the machine's own, unless a test has installed another
     */
    public static Backend current() {
        return current;
    }

    /**
     * Installs a backend, for tests.
     *
     * @param next the backend to use from now on
     * @return the backend that was in use
     */
    public static Backend replace(Backend next) {
        Backend before = current;
        current = next;
        return before;
    }

    /**
     * Starts a thread of the library.
     *
     * @param thread a thread that has not been started
     * @return the thread
     * @throws OutOfMemoryError if the system provides no more threads
     */
    public static Thread start(Thread thread) {
        current.starting(thread);
        thread.start();
        return thread;
    }

    /**
     * Returns a factory for executors that start threads by themselves.
     *
     * @param threads builds the threads
     * @return a factory that fails when the backend provides no thread
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
     * @return nanoseconds since an arbitrary moment; only differences have a meaning
     */
    public long nanoTime() {
        return System.nanoTime();
    }

    /**
     * Reads the wall clock.
     *
     * @return the time of day, which may be set back
     */
    public Instant now() {
        return Instant.now();
    }

    /**
     * Called before a thread of the library is started.
     *
     * @param thread the thread to be started
     * @throws OutOfMemoryError if no thread is available
     */
    protected void starting(Thread thread) {}

    /**
     * Called before a run of a task is interrupted to stop it.
     *
     * @param thread the thread to be interrupted
     */
    protected void interrupting(Thread thread) {}

    /**
     * Notifies the backend before a run of a task is interrupted.
     *
     * @param thread the thread to be interrupted
     */
    public static void beforeInterrupt(Thread thread) {
        current.interrupting(thread);
    }

    /**
     * Runs an action later, in the timer's thread. There is a single timer thread in the JVM; it ends when no action is
     * pending.
     *
     * @param action short; must not block
     * @param nanos the delay
     * @return a future whose {@code cancel(false)} cancels the action
     * @throws OutOfMemoryError if no thread is available for the timer; the action is then never run
     */
    protected Future<?> schedule(Runnable action, long nanos) {
        CLOCK.prestartCoreThread(); // may fail, so before the action is queued
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
