package dev.sennit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** The attempts of one call: the first few and the last, as a call may go on for ever. For one thread at a time. */
final class AttemptLog {
    private static final int FIRST = 4;
    private static final int LAST = 12;
    /** Bounds the growth of an exception that many calls throw, such as a constant. */
    private static final int MOST_SUPPRESSED = 2 * (FIRST + LAST);

    private final List<Attempt> first = new ArrayList<>(FIRST);
    private final Deque<Attempt> last = new ArrayDeque<>();

    void add(Attempt attempt) {
        if (first.size() < FIRST) {
            first.add(attempt);
            return;
        }
        if (last.size() == LAST) {
            last.remove();
        }
        last.add(attempt);
    }

    List<Attempt> kept() {
        List<Attempt> kept = new ArrayList<>(first);
        kept.addAll(last);
        return List.copyOf(kept);
    }

    /**
     * Adds each failure to the suppressed exceptions of the final one, unless it is that itself or was added before.
     */
    void suppressIn(Throwable thrown) {
        for (Attempt attempt : kept()) {
            Throwable failure = attempt.failure();
            Throwable[] suppressed = thrown.getSuppressed();
            if (failure != null
                    && failure != thrown
                    && suppressed.length < MOST_SUPPRESSED
                    && Arrays.stream(suppressed).noneMatch(one -> one == failure)) {
                thrown.addSuppressed(failure);
            }
        }
    }
}
