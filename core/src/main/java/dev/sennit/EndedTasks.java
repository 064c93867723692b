package dev.sennit;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Stand-ins for the submissions of a pool that have succeeded. Tasks of the same class share a stand-in, so that a
 * retained future does not retain a submission of its own. A table holds recent classes; a class that was evicted gets
 * another stand-in.
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
