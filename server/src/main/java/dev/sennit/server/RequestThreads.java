package dev.sennit.server;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.util.thread.ThreadPool;

/** Virtual threads as Jetty wants them: they run all that may be code of users, and so may block. */
final class RequestThreads implements ThreadPool {
    private final ExecutorService virtual;

    RequestThreads(ExecutorService virtual) {
        this.virtual = virtual;
    }

    @Override
    public void execute(Runnable task) {
        virtual.execute(task);
    }

    @Override
    public void join() throws InterruptedException {
        virtual.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    }

    @Override
    public int getThreads() {
        return 0; // nobody counts them
    }

    @Override
    public int getIdleThreads() {
        return 0;
    }

    @Override
    public boolean isLowOnThreads() {
        return false;
    }
}
