package dev.sennit.internal;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * What the library does beside its callers: what is due by the clock, the stopping of tasks and pools.
 *
 * <p>On platform threads, as a virtual one needs a carrier, and tasks on virtual threads that only compute hold all of those: a
 * time limit that waits for them is none. There are as many threads as errands at a time, up to {@value #MOST}, which go away
 * when idle for a second. Beyond that, or where the system gives no more threads, an errand gets a virtual thread; where even
 * that cannot be had, its caller runs it. So an errand is never lost.
 */
public final class BackgroundExecutor {
    private static final int MOST = 64;

    private static final ThreadPoolExecutor THREADS = new ThreadPoolExecutor(
            0,
            MOST,
            1,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            BackgroundExecutor::thread); // refuses an errand when all of them are busy

    private BackgroundExecutor() {}

    private static Thread thread(Runnable worker) {
        Thread thread = Backend.factory(Thread.ofPlatform().daemon().name("sennit-background").inheritInheritableThreadLocals(false))
                .newThread(worker);
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not that of whoever was first
        return thread;
    }

    /**
     * Runs an errand soon, in a thread that nobody interrupts; in the calling one if there is no other to be had.
     *
     * @param errand what to run; it may be run with the caller's locks held, if the system is out of threads
     */
    public static void execute(Runnable errand) {
        if (!isTaken(errand) && !isStarted(errand)) {
            errand.run(); // not where the lack of a thread is caught: what the errand throws is its own
        }
    }

    private static boolean isTaken(Runnable errand) {
        try {
            THREADS.execute(errand);
            return true;
        } catch (RejectedExecutionException | OutOfMemoryError e) {
            return false;
        }
    }

    private static boolean isStarted(Runnable errand) {
        try {
            Backend.start(Thread.ofVirtual().unstarted(errand));
            return true;
        } catch (OutOfMemoryError e) {
            return false;
        }
    }
}
