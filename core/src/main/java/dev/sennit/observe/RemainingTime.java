package dev.sennit.observe;

import dev.sennit.observe.TaskEvent.Progress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Estimates how long a task will still take, from its reports of progress in the last half minute.
 *
 * {@snippet :
 * try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:2")) {
 *     TaskFuture<?> sum = pool.mapAsync(item -> item + 1, java.util.stream.IntStream.range(0, 100).boxed().toList());
 *     var remaining = new dev.sennit.observe.RemainingTime();
 *     events.drain().forEach(remaining::add);
 *     System.out.println(remaining.at(java.time.Instant.now()).map(Object::toString).orElse("not known"));
 * }
 * }
 *
 * <p>The estimate is empty instead of a guess: while the total is not known, after fewer than four reports, if the pace
 * in one half of the reports is more than twice that in the other, and if there was no report for longer than before.
 * It does not use the times of other tasks.
 *
 * <p>Use one object for each task. Not safe for use by several threads at once.
 */
public final class RemainingTime {
    private static final Duration WINDOW = Duration.ofSeconds(30);
    /** Enough for reports every 100 ms. */
    private static final int MOST = 300;

    private static final int LEAST = 4;
    private static final double STEADY = 2;
    private static final int TIMES_THE_LONGEST_GAP = 3;
    private static final long SHORTEST_SILENCE_NANOS = 1_000_000_000;

    /** The reports of the window, oldest first. */
    private final Deque<Sample> samples = new ArrayDeque<>();

    private OptionalLong total = OptionalLong.empty();

    private record Sample(long done, Instant at) {
        long nanosTo(Sample later) {
            return Duration.between(at, later.at).toNanos();
        }
    }

    /** Creates an estimate without reports. */
    public RemainingTime() {}

    /**
     * Adds the progress of an event. An event without progress has no effect.
     *
     * @param event an event of the task, later than those before
     */
    public void add(TaskEvent event) {
        Progress progress = Objects.requireNonNull(event, "event").progress().orElse(null);
        if (progress == null) {
            return;
        }
        var sample = new Sample(progress.done(), event.at());
        Sample last = samples.peekLast();
        boolean isOther = !progress.total().equals(total)
                || (last != null && (last.done > sample.done || last.at.isAfter(sample.at)));
        if (isOther) { // the task has started again, or has a better total
            samples.clear();
        }
        total = progress.total();
        samples.addLast(sample);
        Instant oldest = sample.at.minus(WINDOW);
        while (samples.size() > MOST || samples.getFirst().at.isBefore(oldest)) {
            samples.removeFirst();
        }
    }

    /**
     * Returns how long the task will still take.
     *
     * @param now the time
     * @return an estimate, zero or more; empty if there is none
     */
    public Optional<Duration> at(Instant now) {
        Sample last = samples.peekLast();
        if (last == null || total.isEmpty()) {
            return Optional.empty();
        }
        long left = total.getAsLong() - last.done;
        if (left <= 0) {
            return Optional.of(Duration.ZERO);
        }
        long silence = Math.max(0, Duration.between(last.at, now).toNanos());
        double pace = pace(silence);
        double nanos = left / pace - silence;
        return pace > 0 && nanos < Long.MAX_VALUE
                ? Optional.of(Duration.ofNanos(Math.max(0, (long) nanos)))
                : Optional.empty();
    }

    /** Returns how much is done in a nanosecond; 0 if the pace is unknown. */
    private double pace(long silenceNanos) {
        if (samples.size() < LEAST) {
            return 0;
        }
        Sample first = samples.getFirst();
        Sample last = samples.getLast();
        long half = first.nanosTo(last) / 2;
        Sample middle = null;
        Sample before = first;
        long longestGap = 0;
        for (Sample sample : samples) {
            longestGap = Math.max(longestGap, before.nanosTo(sample));
            if (middle == null && first.nanosTo(sample) >= half) {
                middle = sample;
            }
            before = sample;
        }
        double early = pace(first, middle);
        double late = pace(middle, last);
        boolean isSilent = silenceNanos > Math.max(SHORTEST_SILENCE_NANOS, TIMES_THE_LONGEST_GAP * longestGap);
        boolean isSteady = early > 0 && late > 0 && early <= STEADY * late && late <= STEADY * early;
        return isSteady && !isSilent ? pace(first, last) : 0;
    }

    private static double pace(@Nullable Sample from, @Nullable Sample to) {
        long nanos = from == null || to == null ? 0 : from.nanosTo(to);
        return from == null || to == null || nanos <= 0 ? 0 : (double) (to.done - from.done) / nanos;
    }

    @Override
    public String toString() {
        return "RemainingTime[" + samples.size() + " reports]";
    }
}
