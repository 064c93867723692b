package dev.sennit;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Stand-ins for the submissions of a pool that have succeeded: those of one class share one, so that a future that is kept keeps no
 * submission of its own. A table holds the classes that came last; a class that comes again later gets another stand-in.
 */
final class EndedTasks {
    /** A power of two. */
    private static final int SLOTS = 16;

    private final AtomicReferenceArray<@Nullable Submission<?>> last = new AtomicReferenceArray<>(SLOTS);

    Submission<?> of(AbstractPool pool, Class<?> written) {
        int slot = written.hashCode() & SLOTS - 1;
        Submission<?> seen = last.getAcquire(slot);
        if (seen == null || seen.writtenClass() != written) {
            seen = Submission.ended(pool, written);
            last.setRelease(slot, seen);
        }
        return seen;
    }
}
