package dev.sennit.micrometer;

import dev.sennit.observe.TaskFigures;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The latest snapshot, which all meters read: a registry that asks hundreds of meters has the pools looked at once.
 * Without a lock, as to look calls code of those who have made kinds of pools.
 */
final class Latest {
    private final @Nullable TaskFigures tasks;
    private final long oldestNanos;
    private final AtomicReference<Snapshot> latest = new AtomicReference<>(Snapshot.none());

    /** Creates one whose snapshots are read until they are so old. */
    Latest(@Nullable TaskFigures tasks, long oldestNanos) {
        this.tasks = tasks;
        this.oldestNanos = oldestNanos;
    }

    /** Returns a snapshot that is not too old. */
    Snapshot get() {
        Snapshot seen = latest.get();
        if (seen.nanosSince() < oldestNanos) {
            return seen;
        }
        Snapshot next = Snapshot.after(seen, tasks);
        return latest.compareAndSet(seen, next) ? next : latest.get();
    }

    /** Returns a snapshot that was begun after this call. */
    Snapshot take() {
        for (int i = 0; i < 2; i++) {
            Snapshot seen = latest.get();
            Snapshot next = Snapshot.after(seen, tasks);
            if (latest.compareAndSet(seen, next)) {
                return next;
            }
        }
        return latest.get(); // others have put two there, and the second was begun after the first was there
    }
}
