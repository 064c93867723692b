package dev.sennit;

import dev.sennit.internal.view.OpenPools;
import org.jspecify.annotations.Nullable;

/**
 * Which task a thread of this JVM runs: the innermost, where a task that waits for another runs that one meanwhile.
 *
 * <p>A thread that runs many tasks notes it in a field. Others have a thread-local value, but for those of a
 * {@link VirtualPool}: each has one task, which the pool knows, and a million of them may wait at a time.
 */
final class CurrentTask {
    /** What a thread has instead of a task while it runs code that is not the task's. */
    private static final Object NOBODY = new Object();

    /** Of a thread that is not a {@link ObservedRun.WatchedThread}: its task, or {@link #NOBODY}. */
    private static final ThreadLocal<@Nullable Object> NOTED = new ThreadLocal<>();

    private CurrentTask() {}

    /**
     * Notes that the calling thread begins a task.
     *
     * @return what to give to {@link #leave}
     */
    static @Nullable Object enter(Submission<?> task) {
        return note(task);
    }

    /** Notes that the task which was begun last has returned, or the code that is nobody's. */
    static void leave(@Nullable Object outer) {
        if (Thread.currentThread() instanceof ObservedRun.WatchedThread worker) {
            worker.watch().task = outer;
        } else if (outer == null) {
            NOTED.remove(); // the thread may be anybody's
        } else {
            NOTED.set(outer);
        }
    }

    /**
     * Notes that the calling thread runs code in a task that is not the task's: a listener, for example.
     *
     * @return what to give to {@link #leave}
     */
    static @Nullable Object enterNobodys() {
        return note(NOBODY);
    }

    private static @Nullable Object note(Object what) {
        Object outer;
        if (Thread.currentThread() instanceof ObservedRun.WatchedThread worker) {
            ObservedRun.Watch watch = worker.watch();
            outer = watch.task;
            watch.task = what;
        } else {
            outer = NOTED.get();
            NOTED.set(what);
        }
        return outer;
    }

    /** Returns the task that the calling thread is in the body of, or null. */
    static @Nullable Submission<?> ofThread() {
        Thread thread = Thread.currentThread();
        Object noted = thread instanceof ObservedRun.WatchedThread worker ? worker.watch().task : NOTED.get();
        if (noted == null && thread.isVirtual()) {
            noted = known(thread);
        }
        return noted instanceof Submission<?> task && task.runsInThisThread() ? task : null;
    }

    /** Returns the task of a virtual pool for which a thread was started, or null. */
    private static @Nullable Submission<?> known(Thread thread) {
        for (Object pool : OpenPools.all()) {
            Submission<?> task = pool instanceof VirtualPool virtual ? virtual.taskOf(thread) : null;
            if (task != null) {
                NOTED.set(task); // the thread has no other, and asks again
                return task;
            }
        }
        return null;
    }
}
