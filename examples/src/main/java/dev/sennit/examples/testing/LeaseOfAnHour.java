package dev.sennit.examples.testing;

import dev.sennit.TimeSource;
import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.ScheduleFailure;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/**
 * A lease of an hour that is renewed by another thread: too late under some schedules, if the renewal comes when the
 * hour is over, and never if it comes after half of it. The explorer looks at days of this in a moment, by a clock that
 * it moves.
 *
 * <p>Wants {@code --add-opens java.base/java.lang=ALL-UNNAMED}.
 */
public final class LeaseOfAnHour {
    private static final Duration HOUR = Duration.ofHours(1);

    private LeaseOfAnHour() {}

    /** Ordinary code, which is given its clock. */
    private static final class Lease {
        private final TimeSource time;
        private long end;

        Lease(TimeSource time) {
            this.time = time;
            renew();
        }

        void renew() {
            end = time.nanoTime() + HOUR.toNanos();
        }

        void renewOnceAfter(Duration wait) {
            try {
                time.sleep(wait);
                renew();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        boolean isOver() {
            return time.nanoTime() - end >= 0;
        }
    }

    private static void use(Duration renewedAfter) throws InterruptedException {
        VirtualClock clock = VirtualClock.standing(Instant.parse("2026-01-01T00:00:00Z"));
        var lease = new Lease(clock);
        Thread renewal = Thread.ofVirtual().name("renewal").start(() -> lease.renewOnceAfter(renewedAfter));
        clock.sleep(HOUR);
        if (lease.isOver()) {
            throw new AssertionError("the lease is over at " + clock.instant());
        }
        renewal.join();
    }

    public static void main(String[] arguments) {
        ScheduleExplorer explorer = ScheduleExplorer.of(1000);
        try {
            explorer.explore(() -> use(HOUR));
        } catch (ScheduleFailure failure) {
            System.out.println(Objects.requireNonNull(failure.getCause()).getMessage());
        }
        System.out.println("after half an hour: nothing found in "
                + explorer.explore(() -> use(HOUR.dividedBy(2))).schedules() + " schedules");
    }
}
