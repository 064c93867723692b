package dev.sennit.benchmarks.corpus;

import org.jspecify.annotations.Nullable;

/** The class that rewritten programs extend instead of {@link Thread}: it starts a virtual thread. */
public class StandIn implements Runnable {
    private final Thread thread;
    private final @Nullable Runnable task;

    public StandIn() {
        this((Runnable) null);
    }

    public StandIn(String name) {
        this((Runnable) null, name);
    }

    public StandIn(@Nullable Runnable task) {
        this(task, "");
    }

    public StandIn(@Nullable ThreadGroup group, String name) {
        this(name);
    }

    public StandIn(@Nullable ThreadGroup group, @Nullable Runnable task) {
        this(task);
    }

    public StandIn(@Nullable ThreadGroup group, @Nullable Runnable task, String name) {
        this(task, name);
    }

    @SuppressWarnings("this-escape") // the thread is not started here
    public StandIn(@Nullable Runnable task, String name) {
        this.task = task;
        thread = ScheduledThreads.thread(() -> run(), name);
    }

    @Override
    public void run() {
        if (task != null) {
            task.run();
        }
    }

    /** The thread itself, for those who want one. */
    public final Thread thread() {
        return thread;
    }

    public void start() {
        thread.start();
    }

    public final void join() throws InterruptedException {
        thread.join();
    }

    public final void join(long millis) throws InterruptedException {
        thread.join(millis);
    }

    public void interrupt() {
        thread.interrupt();
    }

    public boolean isInterrupted() {
        return thread.isInterrupted();
    }

    public final boolean isAlive() {
        return thread.isAlive();
    }

    public final String getName() {
        return thread.getName();
    }

    public final void setName(String name) {
        thread.setName(name);
    }

    public long getId() {
        return thread.threadId();
    }

    public final long threadId() {
        return thread.threadId();
    }

    public Thread.State getState() {
        return thread.getState();
    }

    public final void setUncaughtExceptionHandler(Thread.UncaughtExceptionHandler handler) {
        thread.setUncaughtExceptionHandler(handler);
    }

    /** Virtual threads are daemons, and the explorer knows which may be left behind. */
    public final void setDaemon(boolean daemon) {}

    /** Schedules know no priorities. */
    public final void setPriority(int priority) {}

    public static Thread currentThread() {
        return Thread.currentThread();
    }

    public static void sleep(long millis) throws InterruptedException {
        Thread.sleep(millis);
    }

    public static void sleep(long millis, int nanos) throws InterruptedException {
        Thread.sleep(millis, nanos);
    }

    public static void yield() {
        Thread.yield();
    }

    public static void onSpinWait() {
        Thread.onSpinWait();
    }

    public static boolean interrupted() {
        return Thread.interrupted();
    }
}
