package dev.sennit.testing;

import dev.sennit.TimeSource;
import dev.sennit.internal.Timers;
import dev.sennit.internal.WaitLock;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * A clock that a test moves, for code that gets its clock as a {@link TimeSource}, a {@link Clock} or an
 * {@code InstantSource}.
 *
 * {@snippet :
 * import dev.sennit.*;
 * import dev.sennit.testing.*;
 * import java.time.Duration;
 * import java.time.Instant;
 * import java.util.concurrent.atomic.AtomicInteger;
 *
 * VirtualClock clock = VirtualClock.jumping(Instant.parse("2026-01-01T00:00:00Z"));
 * var calls = new AtomicInteger();
 * String answer = Retry.attempts(3).waiting(Backoff.fixed(Duration.ofHours(1))).time(clock).call(() -> {
 *     if (calls.incrementAndGet() < 3) {
 *         throw new java.io.IOException("not yet");
 *     }
 *     return "at " + clock.instant();
 * });
 * System.out.println(answer);                      // at 2026-01-01T02:00:00Z
 * }
 *
 * <p>A {@link #standing} clock stands still until it is {@linkplain #advance advanced}; a thread that sleeps by it
 * waits until another thread does that. A {@link #jumping} clock goes to the end of each sleep at once: for code on one
 * thread.
 *
 * <p><b>In a schedule</b> under exploration, a clock that the body makes shows the schedule's time, standing or
 * jumping: when no thread can go on, it goes to the end of the next wait. Waits by it take no time, with or without the
 * agent. Only threads of the schedule may advance it or sleep by it; other threads read an approximate time. A clock
 * made outside of a schedule is independent of schedules.
 *
 * <p>Only code that asks this clock has its time: a {@code Thread.sleep} lasts as long as ever. All methods may be
 * called from any thread. Actions in a thread before it advances the clock <i>happen-before</i> the return of the
 * sleeps that end by it.
 */
public final class VirtualClock extends Clock implements TimeSource {
    /** The time at which schedules begin: 1 January 2026, 00:00 UTC. */
    public static final Instant START = Instant.ofEpochSecond(ScheduleHooks.FIRST_SECOND);

    private final Hands hands;
    private final ZoneId zone;

    private VirtualClock(Hands hands, ZoneId zone) {
        this.hands = hands;
        this.zone = zone;
    }

    /**
     * Returns a clock that moves only when it is advanced.
     *
     * @param now the time of day at which it begins
     * @return the clock, of zone UTC
     */
    public static VirtualClock standing(Instant now) {
        return new VirtualClock(new Hands(now, false, ScheduleDriver.currentRun()), ZoneOffset.UTC);
    }

    /**
     * Returns a clock that goes to the end of each sleep, so that sleeps return at once; it can be advanced as well.
     *
     * @param now the time of day at which it begins
     * @return the clock, of zone UTC
     */
    public static VirtualClock jumping(Instant now) {
        return new VirtualClock(new Hands(now, true, ScheduleDriver.currentRun()), ZoneOffset.UTC);
    }

    /**
     * Advances the clock. Threads whose sleep ends are woken in the order in which their sleeps end; this does not wait
     * for them to run.
     *
     * @param time how much
     * @throws IllegalArgumentException if it is negative
     */
    public void advance(Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("time must be >= 0, was " + time);
        }
        hands.advance(Timers.nanos(time));
    }

    /**
     * Sets the time of day, as an administrator may set a machine's: {@link #nanoTime} and sleeps are not affected.
     *
     * @param now the new time of day
     */
    public void set(Instant now) {
        hands.set(now);
    }

    /**
     * Waits until so many threads sleep by this clock. Call it before {@link #advance}, so that no thread begins its
     * sleep afterwards.
     *
     * @param count how many at least
     * @param timeout the longest to wait, in real time
     * @return false if the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     */
    public boolean awaitSleepers(int count, Duration timeout) throws InterruptedException {
        return hands.awaitSleepers(count, Timers.nanos(timeout));
    }

    @Override
    public long nanoTime() {
        return hands.nanos();
    }

    @Override
    public Instant now() {
        return hands.now();
    }

    /** Returns the same as {@link #now}. */
    @Override
    public Instant instant() {
        return hands.now();
    }

    @Override
    public void sleep(Duration time) throws InterruptedException {
        hands.sleep(Timers.nanos(time));
    }

    @Override
    public ZoneId getZone() {
        return zone;
    }

    /** Returns the same clock in another zone: advancing either advances both. */
    @Override
    public VirtualClock withZone(ZoneId other) {
        return new VirtualClock(hands, other);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof VirtualClock clock && clock.hands == hands && clock.zone.equals(zone);
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(hands) * 31 + zone.hashCode();
    }

    @Override
    public String toString() {
        return "VirtualClock[" + now().atZone(zone) + ", " + hands.sleepers() + " sleep]";
    }

    /** The state that a clock shares with itself in other zones. */
    private static final class Hands {
        /** Guarded by the lock. */
        private static final class Sleeper {
            final long end;
            final long number;
            final WaitLock.Condition ended;
            boolean isOver;

            Sleeper(long end, long number, WaitLock.Condition ended) {
                this.end = end;
                this.number = number;
                this.ended = ended;
            }
        }

        private final boolean jumps;
        /** The schedule whose time this shows; null if it has its own time. */
        private final @Nullable ScheduleRun run;

        private final WaitLock lock = new WaitLock();
        private final WaitLock.Condition changed = lock.newCondition();

        // guarded by the lock
        private final PriorityQueue<Sleeper> sleepers = new PriorityQueue<>(
                Comparator.<Sleeper>comparingLong(one -> one.end).thenComparingLong(one -> one.number));
        private long sleepsBegun;
        /** The number of sleepers in a schedule, which keeps its own list. */
        private int sleepersInRun;
        private long nanos;
        /** The time of day at which {@code nanos} was zero. */
        private Instant zero;

        Hands(Instant now, boolean jumps, @Nullable ScheduleRun run) {
            this.jumps = jumps;
            this.run = run;
            zero = now.minusNanos(run == null ? 0 : run.elapsed());
        }

        long nanos() {
            if (run != null) {
                return look(run);
            }
            lock.lock();
            try {
                return nanos;
            } finally {
                lock.unlock();
            }
        }

        Instant now() {
            lock.lock();
            try {
                return zero.plusNanos(run == null ? nanos : look(run));
            } finally {
                lock.unlock();
            }
        }

        void set(Instant now) {
            lock.lock();
            try {
                zero = now.minusNanos(run == null ? nanos : run.elapsed());
            } finally {
                lock.unlock();
            }
        }

        void advance(long time) {
            if (run != null) {
                ensureInRun();
                run.pass(time);
                return;
            }
            lock.lock();
            try {
                nanos = later(time);
                for (Sleeper next = sleepers.peek(); next != null && next.end <= nanos; next = sleepers.peek()) {
                    sleepers.remove();
                    next.isOver = true;
                    next.ended.signal();
                }
            } finally {
                lock.unlock();
            }
        }

        void sleep(long time) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (time <= 0) {
                return;
            }
            if (jumps && run == null) {
                advance(time);
                return;
            }
            if (run == null) {
                sleepUntilAdvanced(time);
            } else {
                ensureInRun();
                count(1);
                try {
                    run.sleep(time);
                } finally {
                    count(-1);
                }
            }
        }

        private boolean isInRun() {
            return ScheduleDriver.currentRun() == run;
        }

        private void ensureInRun() {
            if (!isInRun()) {
                throw new IllegalStateException(
                        "this clock is of a schedule, and thread \"" + Thread.currentThread().getName()
                                + "\" is not; make a clock where it is used");
            }
        }

        /** Returns the time of the schedule; only the reads of its own threads let it pass. */
        private long look(ScheduleRun ofRun) {
            return isInRun() ? ofRun.look() : ofRun.elapsed();
        }

        /** Returns the end of a time that begins now, at most {@code Long.MAX_VALUE}. */
        private long later(long time) {
            return nanos + time < nanos ? Long.MAX_VALUE : nanos + time;
        }

        private void count(int more) {
            lock.lock();
            try {
                sleepersInRun += more;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        private void sleepUntilAdvanced(long time) throws InterruptedException {
            lock.lock();
            var sleeper = new Sleeper(later(time), sleepsBegun++, lock.newCondition());
            try {
                sleepers.add(sleeper);
                changed.signalAll();
                while (!sleeper.isOver) {
                    sleeper.ended.await();
                }
            } finally {
                sleepers.remove(sleeper);
                lock.unlock();
            }
        }

        boolean awaitSleepers(int count, long timeout) throws InterruptedException {
            long left = timeout;
            lock.lockInterruptibly();
            try {
                while (sleepers() < count) {
                    if (left <= 0) {
                        return false;
                    }
                    left = changed.awaitNanos(left);
                }
                return true;
            } finally {
                lock.unlock();
            }
        }

        int sleepers() {
            lock.lock();
            try {
                return run == null ? sleepers.size() : sleepersInRun;
            } finally {
                lock.unlock();
            }
        }
    }
}
