package dev.sennit.loop;

import dev.sennit.Submission;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Starts at most so many coroutines at a time; the other submissions wait in the order they came. For any thread.
 *
 * <p>A slot is taken before a submission leaves the queue, and given back when the coroutine has ended, or could not be started.
 * Whoever gives a slot back looks at the queue after that, and whoever fills the queue looks for a slot after that: one of them
 * sees the other.
 */
final class StartLimit {
    private final int most;
    private final Consumer<Submission<?>> start;
    private final Queue<Submission<?>> waiting = new ConcurrentLinkedQueue<>();
    /** Slots of coroutines that run or are about to. */
    private final AtomicInteger taken = new AtomicInteger();

    /**
     * A limit that nothing counts against.
     *
     * @param most how many coroutines at a time; {@link Integer#MAX_VALUE} is no limit
     * @param start starts a submission, which calls {@link #ended} in the end
     */
    StartLimit(int most, Consumer<Submission<?>> start) {
        this.most = most;
        this.start = start;
    }

    boolean isNone() {
        return most == Integer.MAX_VALUE;
    }

    /** Those that were not started, and some that were dropped. */
    Queue<Submission<?>> waiting() {
        return waiting;
    }

    void add(Submission<?> submission) {
        if (isNone()) {
            start.accept(submission);
        } else {
            waiting.add(submission);
            startNext();
        }
    }

    /** Called once for each that was started. */
    void ended() {
        if (!isNone()) {
            taken.decrementAndGet();
            startNext();
        }
    }

    private void startNext() {
        while (!waiting.isEmpty() && takeSlot()) {
            Submission<?> next = pollQueued();
            boolean started = false;
            try {
                if (next != null) {
                    start.accept(next);
                    started = true;
                }
            } catch (RuntimeException | Error e) { // no thread to be had, say: nobody will run it, so it ends here
                next.settle(null, e, false);
            } finally {
                if (!started) {
                    taken.decrementAndGet(); // and look again, as another may have come since
                }
            }
        }
    }

    private boolean takeSlot() {
        for (int seen = taken.get(); seen < most; seen = taken.get()) {
            if (taken.compareAndSet(seen, seen + 1)) {
                return true;
            }
        }
        return false;
    }

    /** Passes over those that were cancelled, or run by a coroutine that waited for them. */
    private @Nullable Submission<?> pollQueued() {
        Submission<?> next = waiting.poll();
        while (next != null && !next.isQueued()) {
            next = waiting.poll();
        }
        return next;
    }
}
