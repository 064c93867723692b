package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Exchanger;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Broken code, in which the explorer has to find a bug, and the same code without the bug, in which it must find none.
 */
@Timeout(120)
class ScheduleExplorerTest {
    private static final int SCHEDULES = 4000;

    private static ScheduleExplorer ofPassing(Strategy strategy) {
        return ScheduleExplorer.of(Budget.of(SCHEDULES)).strategy(strategy);
    }

    private static ScheduleExplorer explorer(Strategy strategy) {
        ScheduleExplorer explorer = ScheduleExplorer.of(SCHEDULES);
        return explorer.strategy(strategy);
    }

    static ScheduleFailure failureOf(ScheduleExplorer explorer, ScheduleExplorer.Body body) {
        try {
            Exploration seen = explorer.explore(body);
            throw new IllegalStateException("found nothing: " + seen);
        } catch (ScheduleFailure found) {
            assertThat(found.isRepeatable()).as(found.getMessage()).isTrue();
            return found;
        }
    }

    /** A buffer of one place, with one condition for producers and consumers. */
    private static final class Buffer {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final Queue<Integer> held = new ArrayDeque<>();
        private final boolean tellsAll;

        Buffer(boolean tellsAll) {
            this.tellsAll = tellsAll;
        }

        private void tell() {
            if (tellsAll) {
                changed.signalAll();
            } else {
                changed.signal();
            }
        }

        void put(int one) {
            lock.lock();
            try {
                while (!held.isEmpty()) {
                    changed.awaitUninterruptibly();
                }
                held.add(one);
                tell();
            } finally {
                lock.unlock();
            }
        }

        void take() {
            lock.lock();
            try {
                while (held.isEmpty()) {
                    changed.awaitUninterruptibly();
                }
                held.remove();
                tell();
            } finally {
                lock.unlock();
            }
        }
    }

    private static ScheduleExplorer.Body buffer(boolean tellsAll) {
        return () -> {
            var buffer = new Buffer(tellsAll);
            Together.Part puts = () -> {
                buffer.put(1);
                buffer.put(2);
            };
            Together.Part takes = () -> {
                buffer.take();
                buffer.take();
            };
            Together.together(puts, takes, puts, takes);
        };
    }

    /** A thread outside of the schedule locks the list of a cleaner again and again, for a moment each time. */
    @Test
    void aMomentOfTheJdksCleanerIsNoPartOfASchedule() throws Exception {
        Cleaner cleaner = Cleaner.create();
        var goesOn = new AtomicBoolean(true);
        Thread outside = Thread.ofPlatform().start(() -> {
            while (goesOn.get()) {
                cleaner.register(new Object(), () -> {}).clean();
            }
        });
        try {
            Together.Part registers = () -> {
                for (int i = 0; i < 20; i++) {
                    cleaner.register(new Object(), () -> {}).clean();
                }
            };
            assertThat(ScheduleExplorer.of(3000).explore(() -> Together.together(registers, registers, registers)))
                    .isNotNull();
        } finally {
            goesOn.set(false);
            outside.join();
        }
    }

    @Test
    void aFailureSaysHowToHaveItsScheduleAgain() {
        ScheduleExplorer.Body fails = () -> {
            throw new AssertionError("always");
        };
        ScheduleExplorer explorer = ScheduleExplorer.of(10);

        ScheduleFailure found = failureOf(explorer, fails);
        assertThat(found).hasMessageContaining(
                "to have it again: -Dsennit.seed=" + found.seed() + ", or replay(" + found.seed() + ", body)\n");
        found = failureOf(explorer.replayHint(option -> "run it with " + option).seed(5).pct(2).stepLimit(100), fails);
        assertThat(found).hasMessageContaining("to have it again: run it with -Dsennit.seed=" + found.seed() + "\n");
    }

    @ParameterizedTest
    @EnumSource
    void findsThatSignalWakesTheWrongOne(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), buffer(false));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        assertThat(found).hasMessageContaining("ScheduleExplorerTest$Buffer.put").hasMessageContaining("body waits:");
    }

    @ParameterizedTest
    @EnumSource(names = "EXHAUSTIVE", mode = EnumSource.Mode.EXCLUDE) // which runs as many as there are
    void findsNothingWrongWithSignalAll(Strategy strategy) {
        Exploration seen = ofPassing(strategy).explore(buffer(true));

        assertThat(seen.schedules()).isEqualTo(Budget.of(SCHEDULES));
        assertThat(seen.distinct()).isGreaterThan(20);
        assertThat(seen.repeatable()).isTrue();
    }

    private static ScheduleExplorer.Body twoLocks(boolean inOneOrder) {
        return () -> {
            var first = new ReentrantLock();
            var second = new ReentrantLock();
            Together.together(() -> both(first, second),
                    () -> both(inOneOrder ? first : second, inOneOrder ? second : first));
        };
    }

    private static void both(ReentrantLock one, ReentrantLock other) {
        one.lock();
        try {
            Thread.yield();
            other.lock();
            other.unlock();
        } finally {
            one.unlock();
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsLocksTakenInDifferentOrder(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), twoLocks(false));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        assertThat(found).hasMessageContaining("ReentrantLock.lock");
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithLocksInOneOrder(Strategy strategy) {
        assertThat(ofPassing(strategy).explore(twoLocks(true)).repeatable()).isTrue();
    }

    private static ScheduleExplorer.Body twoMonitors(boolean inOneOrder) {
        return () -> {
            var first = new Object();
            var second = new Object();
            Together.together(() -> both(first, second),
                    () -> both(inOneOrder ? first : second, inOneOrder ? second : first));
        };
    }

    private static void both(Object one, Object other) {
        synchronized (one) {
            Thread.yield();
            synchronized (other) {
                Thread.yield();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsMonitorsTakenInDifferentOrder(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), twoMonitors(false));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithMonitorsInOneOrder(Strategy strategy) {
        assertThat(ofPassing(strategy).explore(twoMonitors(true)).repeatable()).isTrue();
    }

    /** The same as {@link Buffer}, on a monitor. */
    private static final class MonitorBuffer {
        private final Queue<Integer> held = new ArrayDeque<>();
        private final boolean tellsAll;

        MonitorBuffer(boolean tellsAll) {
            this.tellsAll = tellsAll;
        }

        private synchronized void tell() {
            if (tellsAll) {
                notifyAll();
            } else {
                notify();
            }
        }

        synchronized void put(int one) throws InterruptedException {
            while (!held.isEmpty()) {
                wait();
            }
            held.add(one);
            tell();
            Thread.yield();
        }

        synchronized void take() throws InterruptedException {
            while (held.isEmpty()) {
                wait();
            }
            held.remove();
            tell();
            Thread.yield();
        }
    }

    private static ScheduleExplorer.Body monitorBuffer(boolean tellsAll) {
        return () -> {
            var buffer = new MonitorBuffer(tellsAll);
            Together.Part puts = () -> {
                buffer.put(1);
                buffer.put(2);
            };
            Together.Part takes = () -> {
                buffer.take();
                buffer.take();
            };
            Together.together(puts, takes, puts, takes);
        };
    }

    @ParameterizedTest
    @EnumSource
    void findsThatNotifyWakesTheWrongOne(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), monitorBuffer(false));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        assertThat(found).hasMessageContaining("Object.wait");
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithNotifyAll(Strategy strategy) {
        ScheduleExplorer few = ScheduleExplorer.of(Budget.of(1000));

        assertThat(few.strategy(strategy).explore(monitorBuffer(true)).repeatable()).isTrue();
    }

    /** A thread of the JDK makes threads that wait for a monitor ready, at some later time. */
    @Test
    void contendedMonitorsDoNotSpoilTheOrder() {
        assertThat(distinctOfThoseHadAgain(Strategy.RANDOM, monitorBuffer(true))).isGreaterThan(10);
    }

    /** Runs twenty schedules six times each, and returns how many are different. */
    private static int distinctOfThoseHadAgain(Strategy strategy, ScheduleExplorer.Body body) {
        Set<Long> hashes = new HashSet<>();
        for (long seed = 1; seed <= 20; seed++) {
            long one = seed;
            List<ScheduleRun> runs = ScriptTest.runs(
                    body, Collections.nCopies(6, _ -> Chooser.of(strategy, 1, one)));
            assertThat(runs).allMatch(run -> run.firstDifference(runs.getFirst()) < 0);
            hashes.add(runs.getFirst().hash());
        }
        return hashes.size();
    }

    private static ScheduleExplorer.Body counter(boolean atomic) {
        return () -> {
            var count = new AtomicInteger();
            Together.Part increments = () -> {
                if (atomic) {
                    count.incrementAndGet();
                } else {
                    int read = count.get();
                    Thread.yield();
                    count.set(read + 1);
                }
            };
            Together.together(increments, increments, increments);
            assertThat(count).hasValue(3);
        };
    }

    @ParameterizedTest
    @EnumSource
    void findsALostUpdate(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), counter(false));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found).hasCauseInstanceOf(AssertionError.class).hasMessageContaining(" Thread.yield");
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithAnAtomicUpdate(Strategy strategy) {
        assertThat(ofPassing(strategy).explore(counter(true)).repeatable()).isTrue();
    }

    private static ScheduleExplorer.Body cache(boolean inOneGo) {
        return () -> {
            var cache = new ConcurrentHashMap<String, Integer>();
            var loads = new AtomicInteger();
            Together.Part gets = () -> {
                if (inOneGo) {
                    cache.computeIfAbsent("key", key -> loads.incrementAndGet());
                } else if (!cache.containsKey("key")) {
                    Thread.yield();
                    cache.put("key", loads.incrementAndGet());
                }
            };
            Together.together(gets, gets);
            assertThat(loads).hasValue(1);
        };
    }

    @ParameterizedTest
    @EnumSource
    void findsACheckThatNoLongerHolds(Strategy strategy) {
        assertThat(failureOf(explorer(strategy), cache(false)).kind()).isEqualTo(ScheduleFailure.Kind.THREW);
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithComputeIfAbsent(Strategy strategy) {
        assertThat(ofPassing(strategy).explore(cache(true)).repeatable()).isTrue();
    }

    @Test
    void findsWhatAThreadThrows() {
        var failure = new IllegalStateException("nobody looks at this");

        ScheduleFailure found = failureOf(ScheduleExplorer.of(10), () -> Thread.startVirtualThread(() -> {
            throw failure;
        }));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found).hasCause(failure);
    }

    @Test
    void leavesTheHandlerOfUncaughtFailuresAsItWas() {
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();

        ScheduleExplorer.of(1).explore(() -> {});

        assertThat(Thread.getDefaultUncaughtExceptionHandler()).isSameAs(before);
    }

    @ParameterizedTest
    @EnumSource
    void whoYieldsInALoopLetsTheOthersGoOn(Strategy strategy) {
        ofPassing(strategy).explore(() -> {
            var said = new AtomicInteger();
            Together.together(
                    () -> {
                        while (said.get() == 0) {
                            Thread.yield();
                        }
                    },
                    () -> said.set(1));
        });
    }

    @ParameterizedTest
    @EnumSource
    void aLoopThatDoesNotEndIsReported(Strategy strategy) {
        var said = new AtomicInteger();

        ScheduleFailure found = failureOf(explorer(strategy).stepLimit(500), () -> {
            while (said.get() == 0) {
                Thread.yield();
            }
        });

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.STEP_LIMIT);
        assertThat(found).hasMessageContaining("no end after 500 steps").hasMessageContaining("goes on without end");
    }

    @Test
    void timedWaitsEndInTheOrderOfTheirTime() {
        ScheduleExplorer.of(50).explore(() -> {
            var order = new ConcurrentLinkedQueue<Integer>();
            Together.together(
                    () -> {
                        Thread.sleep(3);
                        order.add(3);
                    },
                    () -> {
                        assertThat(new LinkedBlockingQueue<String>().poll(2, TimeUnit.MILLISECONDS)).isNull();
                        order.add(2);
                    },
                    () -> {
                        var never = new Object();
                        synchronized (never) {
                            never.wait(1);
                        }
                        order.add(1);
                    });
            assertThat(order).containsExactly(1, 2, 3);
        });
    }

    @Test
    void saysThatAPlatformThreadMadeAThreadGoOn() {
        assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(() -> {
            var answer = new CompletableFuture<String>();
            Thread body = Thread.currentThread();
            Thread.ofPlatform().name("a stranger").start(() -> {
                awaitWaiting(body);
                answer.complete("here");
            });
            answer.join();
        }))
                .isInstanceOfSatisfying(ScheduleFailure.class, found -> {
                    assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.OUTSIDE);
                    assertThat(found).hasMessageContaining(
                            "platform thread \"a stranger\", which is not of the schedule, made body go on");
                });
    }

    @Test
    void saysThatAPlatformThreadWasJoined() {
        assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(() -> {
            Thread body = Thread.currentThread();
            Thread stranger = Thread.ofPlatform().start(() -> awaitWaiting(body));
            stranger.join();
        }))
                .isInstanceOfSatisfying(ScheduleFailure.class, found -> {
                    assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.OUTSIDE);
                    assertThat(found).hasMessageContaining("for which body waited");
                });
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    @Test
    void saysThatTheCommonPoolMadeAThreadGoOn() {
        assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(() -> {
            Thread body = Thread.currentThread();
            CompletableFuture.runAsync(() -> awaitWaiting(body)).join();
        }))
                .isInstanceOfSatisfying(ScheduleFailure.class, found -> {
                    assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.OUTSIDE);
                    assertThat(found).hasMessageContaining("commonPool-worker");
                });
    }

    @Test
    void saysThatTheCommonPoolRanSomethingForWhichNobodyWaited() {
        var end = new CountDownLatch(1);
        try {
            assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(
                    () -> CompletableFuture.runAsync(Together.unchecked(end::await))))
                    .isInstanceOfSatisfying(ScheduleFailure.class, found -> {
                        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.OUTSIDE);
                        assertThat(found).hasMessageContaining("the common pool ran something meanwhile");
                    });
        } finally {
            end.countDown();
        }
    }

    @Test
    void saysThatAFailureCannotBeHadAgain() {
        var runs = new AtomicInteger();

        assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(() -> {
            Together.together(() -> {}, () -> {});
            for (int i = runs.getAndIncrement(); i >= 0; i--) {
                Thread.yield();
            }
            assertThat(runs).hasValueLessThan(4);
        }))
                .isInstanceOfSatisfying(ScheduleFailure.class, found -> assertThat(found.isRepeatable()).isFalse())
                .hasMessageContaining("NOT REPEATABLE: the same seed gave another schedule, different from step ");
    }

    @Test
    void saysThatAScheduleCannotBeHadAgain() {
        var runs = new AtomicInteger();

        Exploration seen = ScheduleExplorer.of(10).explore(() -> {
            for (int i = runs.getAndIncrement(); i >= 0; i--) {
                Thread.yield();
            }
        });

        assertThat(seen.repeatable()).isFalse();
        assertThat(seen)
                .hasToString("10 schedules, 10 distinct, PORTFOLIO from seed 1, memory points off, NOT repeatable");
    }

    /** Decisions of the JDK that do not depend on the schedule alone would show here. */
    @ParameterizedTest
    @EnumSource(names = "EXHAUSTIVE", mode = EnumSource.Mode.EXCLUDE) // which has no seeds
    void whatIsInTheJdkCanBeHadAgain(Strategy strategy) {
        ScheduleExplorer.Body body = () -> {
            var handed = new SynchronousQueue<Integer>();
            var transferred = new LinkedTransferQueue<Integer>();
            var exchanged = new Exchanger<Integer>();
            var barrier = new CyclicBarrier(2);
            var permits = new Semaphore(1);
            var done = new ConcurrentLinkedQueue<Integer>();
            Together.Part puts = () -> {
                handed.put(1);
                transferred.transfer(exchanged.exchange(2));
                barrier.await();
                permits.acquire();
                Thread.yield();
                done.add(transferred.take());
                permits.release();
            };
            Together.Part takes = () -> {
                int one = handed.take();
                done.add(transferred.take() + exchanged.exchange(one));
                barrier.await();
                permits.acquire();
                Thread.yield();
                transferred.put(3);
                permits.release();
            };
            Thread first = Together.begin(puts);
            Thread second = Together.begin(takes);
            try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
                var left = CompletableFuture.supplyAsync(() -> 1, executor);
                var right = CompletableFuture.supplyAsync(() -> 2, executor);
                assertThat(left.thenCombineAsync(right, Integer::sum, executor).join()).isEqualTo(3);
            }
            first.interrupt();
            first.join();
            second.interrupt();
            second.join();
        };
        assertThat(distinctOfThoseHadAgain(strategy, body)).isGreaterThan(3);
    }

    @Test
    void endsThreadsThatTheBodyLeavesWaiting() {
        var left = new ConcurrentLinkedQueue<Thread>();

        ScheduleExplorer.of(10).daemons(_ -> true).explore(() -> left.add(Thread.startVirtualThread(
                Together.unchecked(() -> new LinkedBlockingQueue<String>().take()))));

        assertThat(left).hasSizeGreaterThan(10).noneMatch(Thread::isAlive);
    }

    @Test
    void aVirtualThreadMayAskForAnExploration() throws Exception {
        var seen = new AtomicReference<Exploration>();
        Thread.startVirtualThread(() -> seen.set(ScheduleExplorer.of(10).explore(counter(true)))).join();

        assertThat(seen.get().schedules()).isEqualTo(10);
    }

    @Test
    void refusesAnExplorationWithinAnother() {
        assertThatThrownBy(() -> ScheduleExplorer.of(1).explore(() -> ScheduleExplorer.of(1).explore(() -> {})))
                .isInstanceOf(ScheduleFailure.class)
                .hasMessageContaining("an exploration within an exploration");
    }

    /** A thread that waits in the initializer holds the carrier of all threads. */
    private static final class WaitsInInitializer {
        static final boolean WAITED = waited();

        private static boolean waited() {
            Together.unchecked(() -> new CountDownLatch(1).await()).run();
            return true;
        }
    }

    @Test
    void saysThatAThreadWaitsWhereItCannotSuspend() {
        assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(() -> Together.together(
                () -> assertThat(WaitsInInitializer.WAITED).isTrue(), () -> {})))
                .isInstanceOfSatisfying(ScheduleFailure.class, found -> {
                    assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.PINNED);
                    assertThat(found.isRepeatable()).isFalse();
                })
                .hasMessageContaining("thread-1 waits where it cannot suspend")
                .hasMessageContaining("WaitsInInitializer.waited");
    }

    /** Also waits in its initializer, for a lock, which an interrupt does not end. */
    private static final class LocksInInitializer {
        private static final AtomicReference<ReentrantLock> GIVEN = new AtomicReference<>();

        private static final class Locks {
            static final boolean LOCKED = locked();

            private static boolean locked() {
                GIVEN.get().lock();
                return true;
            }
        }
    }

    @Test
    void saysSoEvenIfNothingEndsThatWait() {
        assertThatThrownBy(() -> ScheduleExplorer.of(10).explore(() -> {
            var held = new ReentrantLock();
            LocksInInitializer.GIVEN.set(held);
            held.lock();
            Together.together(() -> assertThat(LocksInInitializer.Locks.LOCKED).isTrue());
        }))
                .isInstanceOfSatisfying(
                        ScheduleFailure.class, found -> assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.PINNED))
                .hasMessageContaining("thread-1 waits where it cannot suspend");
    }

    @Test
    void anInterruptEndsAnExplorationThatDoesNot() throws Exception {
        var spins = new CountDownLatch(1);
        var stop = new AtomicInteger();
        var said = new AtomicReference<Throwable>();
        Thread caller = Thread.ofPlatform().start(() -> {
            try {
                ScheduleExplorer.of(1).explore(() -> {
                    spins.countDown();
                    while (stop.get() == 0) {
                        Thread.onSpinWait();
                    }
                });
            } catch (CancellationException e) {
                said.set(Thread.currentThread().isInterrupted() ? e : null);
            }
        });
        try {
            spins.await();
            caller.interrupt();
            caller.join();
        } finally {
            stop.set(1);
        }
        assertThat(said.get()).hasMessageContaining("interrupted while exploring schedules");
    }

    @ParameterizedTest
    @EnumSource(names = "EXHAUSTIVE", mode = EnumSource.Mode.EXCLUDE) // which runs as many as there are
    void aSurveyCountsTheSchedulesThatFail(Strategy strategy) {
        ScheduleExplorer explorer = ScheduleExplorer.of(500);
        ScheduleExplorer all = strategy == Strategy.PCT ? explorer.pct(2) : explorer.strategy(strategy);

        for (ScheduleExplorer.Body body : List.of(counter(false), twoLocks(false), buffer(false))) {
            Exploration seen = all.survey(body);
            assertThat(seen.schedules()).isEqualTo(500);
            assertThat(seen.failed()).isBetween(3, strategy == Strategy.PCT ? 500 : 499);
            assertThat(seen)
                    .hasToString("500 schedules, " + seen.failed() + " failed, " + seen.distinct() + " distinct, "
                            + strategy + " from seed 1, memory points off");
        }
        assertThat(all.survey(counter(true)).failed()).isZero();
    }

    /** Waits for ever that an interrupt ends. */
    @Test
    void aSurveyEndsTheThreadsOfFailedSchedules() {
        var left = new ConcurrentLinkedQueue<Thread>();

        Exploration seen = ScheduleExplorer.of(10).survey(() -> {
            left.add(Thread.currentThread());
            new CountDownLatch(1).await();
        });

        assertThat(seen.failed()).isEqualTo(10);
        assertThat(left).hasSize(11).noneMatch(Thread::isAlive);
    }

    @Test
    void othersMayUseTheCommonPool() throws Exception {
        var stop = new AtomicInteger();
        Thread other = Thread.ofPlatform().start(() -> {
            while (stop.get() == 0) {
                CompletableFuture.runAsync(() -> {}).join();
            }
        });
        try {
            assertThat(ScheduleExplorer.of(2000).explore(counter(true)).schedules()).isEqualTo(2000);
        } finally {
            stop.set(1);
            other.join();
        }
    }

    /** The clock belongs to the library, not to the JDK. */
    @Test
    void aTimeLimitOfAPoolIsOfTheSchedule() {
        Exploration seen = ScheduleExplorer.of(20).explore(() -> {
            try (Pool pool = Pools.open("virtual")) {
                TaskFuture<?> endless = pool.submit(() -> {
                    new CountDownLatch(1).await();
                    return null;
                }, TaskOptions.timeLimit(Duration.ofMillis(2)));
                assertThatThrownBy(endless::get).hasCauseInstanceOf(TimeoutException.class);
            }
        });

        assertThat(seen.repeatable()).isTrue();
    }

    @Test
    void aSeedGivenOutsideIsTheOnlyOne() {
        System.setProperty("sennit.seed", "7");
        try {
            Exploration seen = ScheduleExplorer.of(10).explore(counter(true));

            assertThat(seen).hasToString("1 schedule, 1 distinct, PORTFOLIO from seed 7, memory points off");
        } finally {
            System.clearProperty("sennit.seed");
        }
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        assertThatThrownBy(() -> ScheduleExplorer.of(0)).hasMessage("schedules must be >= 1, was 0");
        assertThatThrownBy(() -> ScheduleExplorer.of(1).pct(0)).hasMessage("depth must be >= 1, was 0");
        assertThatThrownBy(() -> ScheduleExplorer.of(1).stepLimit(0)).hasMessage("stepLimit must be >= 1, was 0");
    }

    @Test
    void explorationsOnSeveralThreadsDoNotMix() throws Exception {
        try (var executor = Executors.newFixedThreadPool(2)) {
            List<Future<Exploration>> all = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                all.add(executor.submit(() -> ScheduleExplorer.of(500).explore(monitorBuffer(true))));
            }
            for (Future<Exploration> one : all) {
                assertThat(one.get().repeatable()).isTrue();
            }
        }
    }

    /** The close of an executor waits for a day. */
    @Test
    void findsADeadlockBehindALongWait() {
        assertThatThrownBy(() -> ScheduleExplorer.of(1).explore(() -> {
            try (var executor = Executors.newFixedThreadPool(1, Thread.ofVirtual().factory())) {
                executor.submit(() -> new CountDownLatch(1).await(1, TimeUnit.DAYS));
            }
        }))
                .isInstanceOfSatisfying(
                        ScheduleFailure.class,
                        failure -> assertThat(failure.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK))
                .hasMessageContaining(
                        "deadlock: no thread can go on, but for one that waits for a time which ends in PT2");
    }
}
