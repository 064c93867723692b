package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Backoff;
import dev.sennit.PeriodicWorker;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.Schedule;
import dev.sennit.TimeSource;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class VirtualClockTest {
    private static final Instant NOON = Instant.parse("2026-06-01T12:00:00Z");
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration LONG = Duration.ofSeconds(60);

    private final VirtualClock clock = VirtualClock.standing(NOON);

    @Test
    void standsStillUntilItIsAdvanced() {
        assertThat(clock.instant()).isEqualTo(clock.now()).isEqualTo(NOON);
        long before = clock.nanoTime();

        clock.advance(Duration.ofMillis(1500));

        assertThat(clock.now()).isEqualTo(NOON.plusMillis(1500));
        assertThat(clock.millis()).isEqualTo(NOON.toEpochMilli() + 1500);
        assertThat(clock.nanoTime() - before).isEqualTo(1_500_000_000);
    }

    @Test
    void theTimeOfDayCanBeSetWithoutTimePassing() {
        long before = clock.nanoTime();

        clock.set(NOON.minus(HOUR));
        clock.advance(Duration.ofMinutes(1));

        assertThat(clock.now()).isEqualTo(NOON.minus(HOUR).plusSeconds(60));
        assertThat(clock.nanoTime() - before).isEqualTo(60_000_000_000L);
    }

    @Test
    void isOneClockInAllZones() {
        Clock there = clock.withZone(ZoneId.of("Asia/Tokyo"));
        clock.advance(HOUR);

        assertThat(LocalDateTime.now(there)).isEqualTo("2026-06-01T22:00");
        assertThat(there).isEqualTo(clock.withZone(ZoneId.of("Asia/Tokyo"))).isNotEqualTo(clock);
        assertThat(there).hasSameHashCodeAs(clock.withZone(ZoneId.of("Asia/Tokyo")));
        assertThat(there).isNotEqualTo(VirtualClock.standing(NOON));
        assertThat(there).hasToString("VirtualClock[2026-06-01T22:00+09:00[Asia/Tokyo], 0 sleep]");
    }

    @Test
    void sleepsEndWhenTheirTimeHasCome() throws Exception {
        List<Thread> threads = new ArrayList<>();
        var ended = new ConcurrentLinkedQueue<Integer>();
        for (int hours = 1; hours <= 3; hours++) {
            int length = hours;
            threads.add(Thread.startVirtualThread(() -> {
                sleep(clock, HOUR.multipliedBy(length));
                ended.add(length);
            }));
        }
        assertThat(clock.awaitSleepers(3, LONG)).isTrue();

        clock.advance(HOUR.minusNanos(1));
        assertThat(clock.awaitSleepers(3, Duration.ZERO)).isTrue();
        clock.advance(Duration.ofNanos(1));
        threads.get(0).join();
        assertThat(ended).containsExactly(1);
        assertThat(clock.awaitSleepers(3, Duration.ofMillis(1))).isFalse();

        clock.advance(HOUR.multipliedBy(5));
        threads.get(1).join();
        threads.get(2).join();
        assertThat(ended).containsExactlyInAnyOrder(1, 2, 3);
        assertThat(clock).hasToString("VirtualClock[2026-06-01T18:00Z, 0 sleep]");
    }

    private static void sleep(TimeSource time, Duration length) {
        try {
            time.sleep(length);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aSleepOfTheLongestTimeDoesNotEndEarly() throws Exception {
        clock.advance(HOUR);
        Thread sleeper = Thread.startVirtualThread(() -> {
            try {
                clock.sleep(Duration.ofSeconds(Long.MAX_VALUE));
            } catch (InterruptedException e) {
                // as it should
            }
        });
        assertThat(clock.awaitSleepers(1, LONG)).isTrue();
        clock.advance(Duration.ofDays(100));
        assertThat(clock.awaitSleepers(1, Duration.ZERO)).isTrue();

        sleeper.interrupt();
        sleeper.join();
        assertThat(clock.awaitSleepers(1, Duration.ZERO)).isFalse();
    }

    @Test
    void anInterruptIsNoticedEvenIfThereIsNothingToWaitFor() {
        for (VirtualClock one : List.of(clock, VirtualClock.jumping(NOON))) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> one.sleep(Duration.ZERO)).isInstanceOf(InterruptedException.class);
            assertThat(Thread.interrupted()).isFalse();
            assertThat(one.now()).isEqualTo(NOON);
        }
    }

    @Test
    void timeDoesNotGoBack() {
        assertThatThrownBy(() -> clock.advance(Duration.ofNanos(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("time must be >= 0, was PT-0.000000001S");
    }

    @Test
    void aJumpingOneEndsEachSleepAtOnce() throws Exception {
        VirtualClock jumping = VirtualClock.jumping(NOON);
        var calls = new AtomicInteger();

        Instant end = Retry.attempts(3).waiting(Backoff.fixed(HOUR)).time(jumping).call(() -> {
            if (calls.incrementAndGet() < 3) {
                throw new IOException("not yet");
            }
            return jumping.instant();
        });

        assertThat(end).isEqualTo(NOON.plus(HOUR.multipliedBy(2)));
    }

    @Test
    void stepsAPeriodicWorker() {
        List<Instant> runs = new ArrayList<>();
        try (Pool inline = Pools.open("inline");
                PeriodicWorker worker = PeriodicWorker.builder().time(clock).pool(inline).open()) {
            worker.add("hourly", Schedule.fixedRate(HOUR), () -> runs.add(clock.instant()));
            worker.begin();
            for (int i = 0; i < 6; i++) {
                clock.advance(HOUR.dividedBy(2));
                worker.step();
            }
        }
        assertThat(runs).containsExactly(NOON.plus(HOUR), NOON.plus(HOUR.multipliedBy(2)),
                NOON.plus(HOUR.multipliedBy(3)));
    }

    // ---- in schedules, without the agent ----

    /** One value, loaded again when it is too old; a broken one loads under no lock. */
    private static final class Expiring {
        private final TimeSource time;
        private final boolean loadsOnce;
        private long loadedAt;
        private int loads;
        private boolean loaded;

        Expiring(TimeSource time, boolean loadsOnce) {
            this.time = time;
            this.loadsOnce = loadsOnce;
        }

        void get() {
            if (loadsOnce) {
                synchronized (this) {
                    load();
                }
            } else {
                load();
            }
        }

        private void load() {
            if (!loaded || time.nanoTime() - loadedAt >= HOUR.toNanos()) {
                sleep(time, Duration.ofSeconds(2)); // as loading takes
                loaded = true;
                loads++;
                loadedAt = time.nanoTime();
            }
        }
    }

    private static ScheduleExplorer.Body expiring(boolean loadsOnce) {
        return () -> {
            VirtualClock clock = VirtualClock.standing(NOON);
            var value = new Expiring(clock, loadsOnce);
            value.get();
            Together.Part asks = () -> {
                sleep(clock, HOUR);
                value.get();
            };
            Together.together(asks, asks);
            assertThat(value.loads).isEqualTo(2);
            assertThat(clock.now()).isEqualTo(NOON.plus(HOUR).plusSeconds(4));
        };
    }

    @Test
    void findsWhatIsWrongOnlyAfterAnHour() {
        ScheduleFailure found = ScheduleExplorerTest.failureOf(ScheduleExplorer.of(1000), expiring(false));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found).hasMessageContainingAll("waits for a time", "(:n is line n of VirtualClockTest.java)");
    }

    @Test
    void findsNothingWrongWithTheSameCodeMended() {
        assertThat(ScheduleExplorer.of(1000).explore(expiring(true)).repeatable()).isTrue();
    }

    @Test
    void sleepsOfTheSameLengthEndInAnyOrder() {
        Set<List<Integer>> orders = new HashSet<>();

        ScheduleExplorer.of(200).explore(() -> {
            VirtualClock clock = VirtualClock.jumping(NOON);
            List<Integer> order = new ArrayList<>();
            Together.together(
                    () -> {
                        sleep(clock, HOUR);
                        order.add(1);
                    },
                    () -> {
                        sleep(clock, HOUR);
                        order.add(2);
                    });
            orders.add(order);
        });

        assertThat(orders).containsExactlyInAnyOrder(List.of(1, 2), List.of(2, 1));
    }

    @Test
    void inAScheduleItCanBeAdvancedAsWell() {
        ScheduleExplorer.of(100).explore(() -> {
            VirtualClock clock = VirtualClock.standing(NOON);
            Thread sleeper = Thread.startVirtualThread(() -> sleep(clock, HOUR));
            clock.advance(HOUR.multipliedBy(2));
            sleeper.join();
            assertThat(clock.now()).isBetween(NOON.plus(HOUR.multipliedBy(2)), NOON.plus(HOUR.multipliedBy(3)));
        });
    }

    @Test
    void aLoopThatPollsItEnds() {
        Exploration seen = ScheduleExplorer.of(20).explore(() -> {
            VirtualClock clock = VirtualClock.standing(NOON);
            while (clock.instant().isBefore(NOON.plus(HOUR))) {
                Thread.yield();
            }
        });

        assertThat(seen.repeatable()).isTrue();
    }

    @Test
    void anInterruptEndsASleepInASchedule() {
        ScheduleExplorer.of(50).explore(() -> {
            VirtualClock clock = VirtualClock.standing(NOON);
            var asleep = new CountDownLatch(1);
            var interrupted = new AtomicInteger();
            Thread sleeper = Thread.startVirtualThread(() -> {
                asleep.countDown();
                try {
                    clock.sleep(HOUR);
                } catch (InterruptedException e) {
                    interrupted.incrementAndGet();
                }
            });
            asleep.await();
            sleeper.interrupt();
            sleeper.join();
            assertThat(interrupted).hasValue(1);
            assertThat(clock.now()).isEqualTo(NOON);
        });
    }

    /** How long a wait is counts, not when it ends. */
    @Test
    void aScheduleMayLastForYears() {
        ScheduleExplorer.of(1).explore(() -> {
            VirtualClock clock = VirtualClock.standing(NOON);
            clock.advance(Duration.ofDays(1001));
            clock.sleep(Duration.ofSeconds(1));
            for (int i = 0; i < 1001; i++) {
                clock.sleep(Duration.ofDays(1));
            }
            assertThat(clock.now()).isEqualTo(NOON.plus(Duration.ofDays(2002)).plusSeconds(1));
        });
    }

    @Test
    void timeIsNeverMoreThanTheLongest() throws Exception {
        Duration longest = Duration.ofNanos(Long.MAX_VALUE);
        clock.advance(HOUR);
        clock.advance(longest);
        assertThat(clock.nanoTime()).isEqualTo(Long.MAX_VALUE);

        VirtualClock jumping = VirtualClock.jumping(NOON);
        jumping.sleep(HOUR);
        jumping.sleep(longest);
        assertThat(jumping.nanoTime()).isEqualTo(Long.MAX_VALUE);

        ScheduleExplorer.of(1).explore(() -> {
            VirtualClock inside = VirtualClock.standing(NOON);
            inside.advance(HOUR);
            inside.advance(longest);
            assertThat(inside.nanoTime()).isEqualTo(Long.MAX_VALUE);
        });
    }

    /** One of an hour that is real comes first in the list, when the clock has passed it by. */
    @Test
    void aWaitThatCannotEndHidesNoOther() {
        ScheduleExplorer.of(1).explore(() -> {
            VirtualClock clock = VirtualClock.standing(NOON);
            var latch = new CountDownLatch(1);
            Thread patient = Thread.startVirtualThread(() -> {
                try {
                    latch.await(1, TimeUnit.HOURS);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            clock.sleep(HOUR.dividedBy(2));
            clock.advance(HOUR.multipliedBy(2));
            clock.sleep(Duration.ofMinutes(1));
            latch.countDown();
            patient.join();
        });
    }

    /** That would take an hour. */
    @Test
    void advancingItEndsNoWaitThatIsReal() {
        assertThatThrownBy(() -> ScheduleExplorer.of(1).explore(() -> {
            VirtualClock clock = VirtualClock.standing(NOON);
            Thread sleeper = Thread.startVirtualThread(() -> sleep(TimeSource.system(), HOUR));
            clock.sleep(HOUR.dividedBy(2));
            clock.advance(HOUR.multipliedBy(2));
            sleeper.join();
        }))
                .isInstanceOfSatisfying(
                        ScheduleFailure.class,
                        found -> assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK))
                .hasMessageContaining("but for one that waits for a time which ends in PT59M");
    }

    /** Nobody advances a clock that knows of no schedule. */
    @Test
    void oneThatWasMadeOutsideStandsStill() {
        assertThatThrownBy(() -> ScheduleExplorer.of(1).explore(() -> clock.sleep(HOUR)))
                .isInstanceOfSatisfying(
                        ScheduleFailure.class,
                        found -> assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK))
                .hasMessageContaining("body waits:");
    }

    @Test
    void oneOfAScheduleIsOfNoUseOutside() {
        var kept = new AtomicReference<VirtualClock>();
        ScheduleExplorer.of(1).explore(() -> kept.set(VirtualClock.standing(NOON)));

        assertThatThrownBy(() -> kept.get().sleep(HOUR))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is of a schedule");
        assertThatThrownBy(() -> kept.get().advance(HOUR))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is of a schedule");
        assertThat(kept.get().now()).isEqualTo(NOON);
    }
}
