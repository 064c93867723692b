package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The time of one schedule, and the waits that end at a time. Only the driver and the threads that it carries.
 *
 * <p>Running takes no time: when no thread is ready, the clock of the schedule goes to the end of the next
 * timed wait. Delays are rounded up to milliseconds, so that the order of two does not depend on the moments at which
 * they began, and either thread can go on first.
 *
 * <p>JDK code that was woken reads the clock again, and waits again for the rest of its time. With the agent
 * ({@link VirtualTime}) that clock is the schedule's. Without, it is the machine's: a thread woken early would only
 * read the clock and wait, again and again; so the driver really waits for the whole time. A {@link VirtualClock}
 * always shows the schedule's time.
 *
 * <p>A loop that reads the clock and yields would never end if nothing moved the clock. So the clock moves a little,
 * and more each time, when a thread reads it often without waiting meanwhile.
 */
final class ScheduleClock {
    /** A real wait longer than this counts as endless: an executor that is being closed waits for a day. */
    private static final long LONGEST_WAIT = TimeUnit.MINUTES.toNanos(1);
    /**
     * The same limit for waits that take no real time. The JDK's waits share it in sum, as such an executor waits for a
     * day again and again.
     */
    private static final long LONGEST_TIME = TimeUnit.DAYS.toNanos(1000);

    private static final long ROUNDED_TO = TimeUnit.MILLISECONDS.toNanos(1);
    /**
     * After so many reads of the clock by one thread without a wait, some time passes; once it has, {@code LOOKS_LATER}
     * suffice.
     */
    private static final int LOOKS_AT_FIRST = 1000;

    private static final int LOOKS_LATER = 100;
    private static final int MAX_STRIDE = 30;

    /** The end of a wait. */
    static class Timer extends OwnScheduler.Timeout {
        /** On the clock of the schedule. */
        final long at;
        /** On the clock of the machine; unused unless {@code isReal}. */
        final long due;

        final boolean isReal;
        /** Whether the JDK waits, not a {@link VirtualClock}. */
        final boolean isOfJdk;

        final long number;
        final Runnable timeout;

        Timer(long at, long due, boolean isReal, boolean isOfJdk, long number, Runnable timeout) {
            this.at = at;
            this.due = due;
            this.isReal = isReal;
            this.isOfJdk = isOfJdk;
            this.number = number;
            this.timeout = timeout;
        }

        boolean isOff() {
            return isCancelled();
        }
    }

    /** How long the driver really waits for a time. */
    private final long realTime;

    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(
                    Comparator.<Timer>comparingLong(timer -> timer.at).thenComparingLong(timer -> timer.number));

    private long now;
    /** The part of {@code now} that passed in waits of the JDK. */
    private long nowByJdk;
    private long timersMade;
    /** How often the clock has moved because it was read, since it last moved because no thread was ready. */
    private int strides;

    ScheduleClock(long realTime) {
        this.realTime = realTime;
    }

    // ---- the time ----

    /** Returns how long the schedule has lasted. */
    long now() {
        return now;
    }

    /** Returns how much of that passed in waits of the JDK. */
    long passedByJdk() {
        return nowByJdk;
    }

    /** Returns how long the schedule has lasted, for a thread that may be reading the clock until that has changed. */
    long look(@Nullable Strand self) {
        if (self != null && ++self.looks > (strides == 0 ? LOOKS_AT_FIRST : LOOKS_LATER)) {
            self.looks = 0;
            now += ROUNDED_TO << strides;
            strides = Math.min(MAX_STRIDE, strides + 1);
        }
        // The JDK waits again if the time is not over that it was to wait.
        return self != null && self.early == Strand.Early.NOW ? now + 1 : now;
    }

    /** Lets time pass. */
    void pass(long nanos) {
        now = now + nanos < 0 ? Long.MAX_VALUE : now + nanos;
    }

    /** Lets time pass until a wait ends. */
    void goTo(Timer next) {
        long passes = Math.max(0, next.at - now);
        now += passes;
        if (next.isOfJdk) {
            nowByJdk += passes;
        }
        strides = 0;
    }

    // ---- waits ----

    /** Adds a wait. */
    Timer wakeAfter(long nanos, boolean isReal, boolean isOfJdk, Runnable timeout) {
        var timer = new Timer(endOf(nanos), isReal ? realEndOf(nanos) : 0, isReal, isOfJdk, timersMade++, timeout);
        timers.add(timer);
        return timer;
    }

    /** Adds a wait of the JDK that is over already. */
    Timer wakeNow(boolean isReal, Runnable timeout) {
        var timer = new Timer(now, System.nanoTime(), isReal, true, timersMade++, timeout);
        timers.add(timer);
        return timer;
    }

    /** Adds a wait for the time of a task, which may be cancelled. */
    void startAfter(ScheduledFuture<?> task, Runnable start) {
        timers.add(new Timer(endOf(task.getDelay(TimeUnit.NANOSECONDS)), 0, false, true, timersMade++, start) {
            @Override
            boolean isOff() {
                return task.isDone();
            }
        });
    }

    private long endOf(long nanos) {
        long asked = Math.max(0, nanos);
        long rounded = asked > Long.MAX_VALUE - ROUNDED_TO ? asked : (asked + ROUNDED_TO - 1) / ROUNDED_TO * ROUNDED_TO;
        return now + rounded < 0 ? Long.MAX_VALUE : now + rounded;
    }

    private static long realEndOf(long nanos) {
        return System.nanoTime() + Math.clamp(nanos, 0, Long.MAX_VALUE >> 1);
    }

    /** Returns whether the time of any wait has come. */
    boolean isAnyDue() {
        Timer first = timers.peek();
        return first != null && first.at <= now;
    }

    /** Returns the wait that would end first, even if that counts as never; null if there is none. */
    @Nullable Timer first() {
        return timers.peek();
    }

    /** Returns the wait that ends first; null if none will end. */
    @Nullable Timer next() {
        Timer next = timers.peek();
        while (next != null && next.isOff()) {
            timers.remove();
            next = timers.peek();
        }
        if (next != null && isForEver(next)) { // a later wait may take no real time
            next = timers.stream()
                    .filter(timer -> !timer.isOff() && !isForEver(timer))
                    .min(timers.comparator())
                    .orElse(null);
        }
        return next;
    }

    boolean takesTooLong(Timer next) {
        return next.isReal && next.due - System.nanoTime() > realTime;
    }

    /** Returns how long it takes until then, in words. */
    String left(Timer timer) {
        return Duration.ofNanos(timer.isReal ? timer.due - System.nanoTime() : timer.at - now)
                .truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** Returns whether a wait is so long that it counts as endless. */
    private boolean isForEver(Timer timer) {
        return timer.isReal
                ? timer.due - System.nanoTime() > LONGEST_WAIT
                : timer.at - now > LONGEST_TIME - (timer.isOfJdk ? nowByJdk : 0);
    }

    /**
     * Ends all waits whose time has come; but not real waits that take too long, whose end a clock may have passed when
     * it was advanced.
     *
     * @param isInterfered tells whether to wait no longer
     */
    void endWaits(BooleanSupplier isInterfered) {
        List<Timer> ended = new ArrayList<>();
        List<Timer> left = new ArrayList<>();
        for (Timer first = timers.peek(); first != null && first.at <= now; first = timers.peek()) {
            timers.remove();
            (first.isReal && (isForEver(first) || takesTooLong(first)) ? left : ended).add(first);
        }
        timers.addAll(left);
        for (Timer timer : ended) {
            if (timer.isReal && !timer.isOff()) {
                awaitReally(timer.due, isInterfered);
            }
        }
        for (Timer timer : ended) {
            if (!timer.isOff()) {
                timer.timeout.run();
            }
        }
    }

    private void awaitReally(long due, BooleanSupplier isInterfered) {
        for (long left = due - System.nanoTime(); left > 0 && !isInterfered.getAsBoolean();
                left = due - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
        }
    }
}
