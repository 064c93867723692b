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
import java.util.function.Consumer;

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
                LOGGER.log(Level.DEBUG, "{0} was not answered, so the tasks after it do not run", name);
            }
        } finally {
            if (!isStarted) {
                places.release(tasks.size());
            }
        }
    }

    private void runAll(String name, List<Action> tasks) {
        int left = tasks.size();
        try {
            for (Action task : tasks) {
                turns.acquire(); // each task has a limit, and a worker is replaced if a task does not heed it
                try {
                    run(name, task);
                } finally {
                    turns.release();
                }
                left--;
                places.release();
            }
        } catch (InterruptedException e) {
            LOGGER.log(Level.WARNING, "the server ended before the tasks after {0} were done", name);
        } finally {
            places.release(left);
        }
    }

    private void run(String name, Action task) {
        Run run = new Run(name, Thread.currentThread());
        runs.add(run);
        try {
            task.run();
        } catch (Throwable e) { // code of users
            LOGGER.log(Level.ERROR, "a task after " + name + " failed", e);
        } finally {
            runs.remove(run);
            run.end();
            Thread.interrupted();
        }
    }

    /**
     * Interrupts tasks whose time is over, and tells of tasks that go on all the same. Only the thread that looks.
     *
     * @param heedNanos how long a task may go on after it was interrupted
     * @param onUnheeded called with a reason to replace the worker
     */
    void look(long now, long heedNanos, Consumer<String> onUnheeded) {
        for (Run run : runs) {
            long over = now - run.begunAt - limitNanos;
            if (over >= 0) {
                run.interrupt();
            }
            if (over >= heedNanos) {
                onUnheeded.accept("a task after " + run.name + " goes on, although it was interrupted after "
                        + TimeUnit.NANOSECONDS.toMillis(limitNanos) + " ms");
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
        private final String name;
        private final Thread thread;
        private final long begunAt = System.nanoTime();
        /** Guarded by this. */
        private boolean isOver;

        Run(String name, Thread thread) {
            this.name = name;
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
