package dev.sennit.internal;

import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * What the library does beside its callers: what is due by the clock, the stopping of tasks and pools.
 *
 * <p>On platform threads, as a virtual one needs a carrier, and tasks on virtual threads that only compute hold all of those: a
 * time limit that waits for them is none. There are as many threads as errands at a time, up to {@value #MOST}, which go away
 * when idle for a second; only beyond that, or where the system gives no more threads, an errand gets a virtual one.
 */
public final class Errands {
    private static final int MOST = 64;

    private static final ThreadPoolExecutor THREADS = new ThreadPoolExecutor(
            0, MOST, 1, TimeUnit.SECONDS, new SynchronousQueue<>(), Errands::thread, (errand, full) -> Thread.startVirtualThread(errand));

    private Errands() {}

    private static Thread thread(Runnable worker) {
        Thread thread = Thread.ofPlatform()
                .daemon()
                .name("sennit-errand")
                .inheritInheritableThreadLocals(false)
                .unstarted(worker);
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not that of whoever was first
        return thread;
    }

    /**
     * Runs an errand soon, in a thread that nobody interrupts.
     *
     * @param errand what to run
     * @throws OutOfMemoryError if there is no thread to be had
     */
    public static void run(Runnable errand) {
        try {
            THREADS.execute(errand);
        } catch (OutOfMemoryError e) {
            Thread.startVirtualThread(errand);
        }
    }
}
