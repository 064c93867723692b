package dev.sennit.server;

import dev.sennit.Action;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Tasks that run when a response was sent, in virtual threads: so many at a time, and so many in all. A task has its
 * place from the moment that a handler asks for it, so a response never promises what there is no room for.
 */
final class AfterResponse {
    private static final Logger LOGGER = System.getLogger("dev.sennit.server");

    private final int most;
    private final long limitNanos;
    private final ExecutorService threads;
    private final Semaphore places;
    private final Semaphore turns;
    private final Set<Run> runs = ConcurrentHashMap.newKeySet();

    AfterResponse(int atOnce, int most, Duration limit, ExecutorService threads) {
        this.most = most;
        limitNanos = limit.toNanos();
        this.threads = threads;
        places = new Semaphore(most);
        turns = new Semaphore(atOnce);
    }

    /** Takes a place for a task. */
    void reserve() throws RefusedException {
        if (!places.tryAcquire()) {
            throw new RefusedException(503, "too many tasks wait");
        }
    }

    /**
     * Has the tasks of a call run one after the other, and gives back their places.
     *
     * @param name of the call
     * @param isDue whether they run at all
     */
    void run(String name, List<Action> tasks, boolean isDue) {
        if (tasks.isEmpty()) {
            return;
        }
        boolean isStarted = false;
        try {
            if (isDue) {
                threads.execute(() -> runAll(name, tasks));
                isStarted = true;
            } else {
                LOGGER.log(Level.DEBUG, "{0} was not answered, so what comes after it does not run", name);
            }
        } finally {
            if (!isStarted) {
                places.release(tasks.size());
            }
        }
    }

    private void runAll(String name, List<Action> tasks) {
        for (Action task : tasks) {
            try {
                turns.acquire(); // each task has a limit, so turns come
                try {
                    run(name, task);
                } finally {
                    turns.release();
                }
            } catch (InterruptedException e) {
                LOGGER.log(Level.WARNING, "the server ended before what comes after {0} was done", name);
            } finally {
                places.release();
            }
        }
    }

    private void run(String name, Action task) {
        Run run = new Run(Thread.currentThread());
        runs.add(run);
        try {
            task.run();
        } catch (Throwable e) { // code of users
            LOGGER.log(Level.ERROR, "what comes after " + name + " failed", e);
        } finally {
            runs.remove(run);
            run.end();
            Thread.interrupted();
        }
    }

    /** Interrupts tasks whose time is over. Only the thread that looks. */
    void look(long now) {
        for (Run run : runs) {
            if (now - run.begunAt >= limitNanos) {
                run.interrupt();
            }
        }
    }

    /** Waits until no task runs or waits, for a limited time. Returns how many do. */
    int awaitNone(long nanos) throws InterruptedException {
        if (places.tryAcquire(most, Math.max(nanos, 0), TimeUnit.NANOSECONDS)) {
            places.release(most);
            return 0;
        }
        return most - places.availablePermits();
    }

    /** A task that runs. */
    private static final class Run {
        private final Thread thread;
        private final long begunAt = System.nanoTime();
        /** Guarded by this. */
        private boolean isOver;

        Run(Thread thread) {
            this.thread = thread;
        }

        /** Interrupts it, once and not its successor in the thread. */
        synchronized void interrupt() {
            if (!isOver) {
                isOver = true;
                thread.interrupt();
            }
        }

        synchronized void end() {
            isOver = true;
        }
    }
}
