package dev.sennit;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What the futures of a pool refer to when their tasks have succeeded: for tasks of one class the same object, so that a future that
 * is kept keeps no submission of its own. Of many classes the last ones are known; a class that comes again later gets another object.
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
