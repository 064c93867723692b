package dev.sennit.internal;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs the library's own actions in the background: actions whose time has come, the stopping of tasks and pools.
 *
 * <p>The threads are platform threads. A virtual thread needs a carrier, and tasks that only compute can hold all
 * carriers: a time limit that waits for a carrier is no limit. A thread starts for each action that finds no idle
 * thread, up to {@value #MOST} threads, and ends after a second without work. Beyond that number, or where the system
 * gives no more threads, an action gets a virtual thread; where no virtual thread can start either, the caller runs the
 * action. So no action is lost.
 */
public final class BackgroundExecutor {
    private static final int MOST = 64;

    private static final ThreadPoolExecutor THREADS = new ThreadPoolExecutor(
            0,
            MOST,
            1,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            BackgroundExecutor::thread); // refuses an action when all threads are busy

    private BackgroundExecutor() {}

    private static Thread thread(Runnable worker) {
        Thread thread = Backend.factory(
                Thread.ofPlatform().daemon().name("sennit-background").inheritInheritableThreadLocals(false))
                .newThread(worker);
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not the loader of the first caller
        return thread;
    }

    /**
     * Runs an action soon, in a thread that is never interrupted; in the calling thread if no other can start.
     *
     * @param action the action; runs with the caller's locks held if the system is out of threads
     */
    public static void execute(Runnable action) {
        if (!isTaken(action) && !isStarted(action)) {
            action.run(); // outside the try: an exception of the action is not a lack of threads
        }
    }

    private static boolean isTaken(Runnable action) {
        try {
            THREADS.execute(action);
            return true;
        } catch (RejectedExecutionException | OutOfMemoryError e) {
            return false;
        }
    }

    private static boolean isStarted(Runnable action) {
        try {
            Backend.start(Thread.ofVirtual().unstarted(action));
            return true;
        } catch (OutOfMemoryError e) {
            return false;
        }
    }
}
