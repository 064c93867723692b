package dev.sennit.testing;

import static dev.sennit.testing.ScheduleExplorerTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Threads that a body has started and not joined, and what holds the explorer up: all of it is told. */
@Timeout(120)
class LeftBehindTest {
    record Case(String name, ScheduleExplorer.Body body) {
        @Override
        public String toString() {
            return name;
        }
    }

    /** Starts two threads, and joins neither. */
    private static ScheduleExplorer.Body two(Together.Part one, Together.Part other) {
        return () -> {
            Together.begin(one);
            Together.begin(other);
        };
    }

    private static void both(Object first, Object second) {
        synchronized (first) {
            Thread.yield();
            synchronized (second) {
                Thread.yield();
            }
        }
    }

    private static ScheduleExplorer.Body monitors(boolean inOrder) {
        return () -> {
            var one = new Object();
            var other = new Object();
            two(() -> both(one, other), () -> both(inOrder ? one : other, inOrder ? other : one)).run();
        };
    }

    private static ScheduleExplorer.Body waits(boolean isNotified) {
        return () -> {
            var monitor = new Object();
            var given = new boolean[1];
            two(() -> {
                synchronized (monitor) {
                    while (!given[0]) {
                        monitor.wait();
                    }
                }
            }, () -> {
                synchronized (monitor) {
                    given[0] = true;
                    if (isNotified) {
                        monitor.notifyAll();
                    }
                }
            }).run();
        };
    }

    static Stream<Case> stuck() {
        return Stream.of(
                new Case("monitors in different orders", monitors(false)),
                new Case("no notify", waits(false)),
                new Case("a lock that is kept", () -> {
                    var lock = new ReentrantLock();
                    two(lock::lock, lock::lock).run();
                }),
                new Case("a lock that the body keeps", () -> {
                    var lock = new ReentrantLock();
                    lock.lock();
                    Together.begin(lock::lock);
                }),
                new Case("park", () -> Together.begin(LockSupport::park)),
                new Case("a latch", () -> Together.begin(() -> new CountDownLatch(1).await())),
                new Case("a queue", () -> Together.begin(() -> new LinkedBlockingQueue<String>().take())),
                new Case("a future", () -> Together.begin(() -> new CompletableFuture<String>().join())));
    }

    @ParameterizedTest
    @MethodSource("stuck")
    void aThreadThatNothingWakesIsTold(Case one) {
        ScheduleFailure found = failureOf(ScheduleExplorer.of(1000), one.body);

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        assertThat(found).hasMessageStartingWith("deadlock: the body has ended and has left thread-")
                .hasMessageContaining(", which nothing will ever wake\n")
                .hasMessageContaining("waits:\n    at ");
    }

    @ParameterizedTest
    @MethodSource("stuck")
    void unlessItIsADaemon(Case one) {
        assertThat(ScheduleExplorer.of(100).daemons(_ -> true).explore(one.body).schedules()).isEqualTo(100);
    }

    @Test
    void daemonsAreChosenOneByOne() {
        ScheduleExplorer.Body body = () -> {
            Thread.ofVirtual().name("cleans").start(LockSupport::park);
            Thread.ofVirtual().name("works").start(LockSupport::park);
        };

        assertThat(failureOf(ScheduleExplorer.of(10).daemons(thread -> thread.getName().equals("cleans")), body))
                .hasMessageContaining("has left works (2), which nothing");
    }

    static Stream<Case> going() {
        return Stream.of(
                new Case("monitors in one order", monitors(true)),
                new Case("a notify", waits(true)),
                new Case("the workers of an executor", () -> {
                    ExecutorService left = Executors.newFixedThreadPool(2, Thread.ofVirtual().factory());
                    left.submit(() -> 1).get();
                    left.submit(() -> 2);
                }),
                new Case("the workers of a timer", () -> Executors.newScheduledThreadPool(1,
                        Thread.ofVirtual().factory()).schedule(() -> 1, 1, TimeUnit.MILLISECONDS).get()),
                new Case("periodic work", () -> {
                    VirtualClock clock = VirtualClock.standing(VirtualClock.START);
                    Together.begin(() -> {
                        while (true) {
                            clock.sleep(Duration.ofHours(1));
                        }
                    });
                }),
                new Case("one that a long wait may end", two(LockSupport::park, () -> Thread.sleep(30_000))),
                new Case("one that waits for another's time", () -> {
                    VirtualClock clock = VirtualClock.standing(VirtualClock.START);
                    var done = new CountDownLatch(1);
                    two(done::await, () -> {
                        clock.sleep(Duration.ofHours(1));
                        done.countDown();
                    }).run();
                }));
    }

    @ParameterizedTest
    @MethodSource("going")
    void aThreadThatGoesOnOrIsIdleIsNoFailure(Case one) {
        assertThat(ScheduleExplorer.of(Budget.of(1000)).explore(one.body).repeatable()).isTrue();
    }

    /** The body has ended an hour before. */
    @Test
    void timePassesForThoseLeft() {
        ScheduleFailure found = failureOf(ScheduleExplorer.of(10), () -> {
            VirtualClock clock = VirtualClock.standing(VirtualClock.START);
            Together.begin(() -> {
                clock.sleep(Duration.ofHours(1));
                throw new AssertionError("an hour later");
            });
        });

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found).hasRootCauseMessage("an hour later");
    }

    /** The first sleeps while it has one monitor. */
    @Test
    void realTimePassesForThoseLeftIfItMayEndADeadlock() {
        ScheduleFailure found = failureOf(ScheduleExplorer.of(20), () -> {
            var one = new Object();
            var other = new Object();
            two(() -> {
                synchronized (one) {
                    Thread.sleep(1);
                    both(other, one);
                }
            }, () -> both(other, one)).run();
        });

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
    }

    @Test
    void aDeadlockBesidePeriodicWorkIsTold() {
        ScheduleFailure found = failureOf(ScheduleExplorer.of(10), () -> {
            VirtualClock clock = VirtualClock.standing(VirtualClock.START);
            two(() -> {
                while (true) {
                    clock.sleep(Duration.ofHours(1));
                }
            }, LockSupport::park).run();
        });

        assertThat(found).hasMessageContaining("has left thread-2, which nothing");
    }

    // ---- what would hold the explorer up ----

    /** No access of that loop is a point; its number ends it when the test has ended. */
    @Test
    void aThreadThatSpinsIsTold() {
        var turns = new AtomicInteger();
        try {
            assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(() -> Together.together(() -> {
                while (turns.get() >= 0) {
                    turns.set(1);
                }
            }, Thread::yield)))
                    .isInstanceOfSatisfying(ScheduleFailure.class, found -> {
                        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.STEP_LIMIT);
                        assertThat(found.isRepeatable()).isFalse();
                    })
                    .hasMessageStartingWith("thread-1 runs on and on in one step")
                    .hasMessageContaining("call Thread.onSpinWait()")
                    .hasMessageContaining("dev.sennit.testing.LeftBehindTest.lambda$aThreadThatSpins");
        } finally {
            turns.set(Integer.MIN_VALUE);
        }
    }

    @Test
    void aWaitThatReallyTakesItsTimeIsTold() {
        ScheduleFailure found = failureOf(ScheduleExplorer.of(10), () -> Thread.sleep(Duration.ofSeconds(30)));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.OUTSIDE);
        assertThat(found)
                .hasMessageStartingWith("not only the schedule decides: no thread can go on but one that really waits,"
                        + " for PT29S; with -javaagent:sennit.jar waits take no time")
                .hasMessageContaining("in Thread.sleep");
    }

    @Test
    void aWaitMayTakeTheTimeThatIsAllowed() {
        ScheduleExplorer explorer = ScheduleExplorer.of(1).realTime(Duration.ofMillis(1));

        assertThat(explorer.realTime(Duration.ofSeconds(30)).explore(() -> Thread.sleep(20)).schedules()).isEqualTo(1);
        assertThat(failureOf(explorer, () -> Thread.sleep(20)).kind()).isEqualTo(ScheduleFailure.Kind.OUTSIDE);
        assertThatThrownBy(() -> explorer.realTime(Duration.ZERO)).hasMessage("realTime must be positive, was PT0S");
    }
}
