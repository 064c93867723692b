package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The search through all schedules: it sees what a search without shortcuts sees, with fewer runs, and ends. */
@Timeout(120)
class ScheduleSearchTest {
    /** The most schedules of a search that leaves nothing out. */
    private static final int MANY = 10_000;

    private static final ScheduleExplorer ALL = ScheduleExplorer.of(1_000_000).strategy(Strategy.EXHAUSTIVE);

    private static Exploration explore(Class<? extends ScheduleExplorer.Body> type, int... given) {
        Outcomes.begin(given);
        return ALL.explore(PointsLoader.body(type));
    }

    private static Map<String, Integer> ends(int most, int... program) {
        Outcomes.begin(program);
        Exploration seen = ALL.survey(new ScheduleSearch(most), PointsLoader.body(Program.class));
        assertThat(seen.repeatable()).as(seen.toString()).isTrue();
        assertThat(seen.seenUpTo()).as(seen.toString()).isNotNegative();
        return Outcomes.seen();
    }

    /** The same by a search that leaves nothing out, or by the begin of such a search. */
    private static Map<String, Integer> endsOfMany(int most, int... program) {
        Outcomes.begin(program);
        ScheduleExplorer.of(MANY).strategy(Strategy.EXHAUSTIVE).survey(new ScheduleSearch(most, false),
                PointsLoader.body(Program.class));
        return Outcomes.seen();
    }

    private static int sum(Map<String, Integer> counts) {
        return counts.values().stream().mapToInt(one -> one).sum();
    }

    // ---- programs made at random, beside a search that leaves nothing out ----

    /** Threads that each do a few things, three bits for each. */
    static class Program implements ScheduleExplorer.Body {
        private int a;
        private int b;
        private volatile boolean flag;
        private final AtomicInteger c = new AtomicInteger();
        private final ReentrantLock lock = new ReentrantLock();

        private int does(int code) {
            int seen = 0;
            for (int left = code; left != 0; left >>>= 3) {
                switch (left & 7) {
                    case 1 -> seen = 10 * seen + a;
                    case 2 -> a = seen + 1;
                    case 3 -> seen = 10 * seen + b;
                    case 4 -> b = seen + 2;
                    case 5 -> {
                        synchronized (c) {
                            b = b + 3;
                        }
                    }
                    case 6 -> seen = 10 * seen + c.incrementAndGet();
                    case 7 -> {
                        lock.lock();
                        a = a + 4;
                        lock.unlock();
                    }
                    default -> {}
                }
            }
            return seen;
        }

        @Override
        public void run() throws InterruptedException {
            var program = new Program();
            int one = Outcomes.given(0);
            int two = Outcomes.given(1);
            int three = Outcomes.given(2);
            var seen = new int[3];
            Thread first = Thread.startVirtualThread(() -> seen[0] = program.does(one));
            Thread second = Thread.startVirtualThread(() -> seen[1] = program.does(two));
            Thread third = three == 0 ? null : Thread.startVirtualThread(() -> seen[2] = program.does(three));
            first.join();
            second.join();
            if (third != null) {
                third.join();
            }
            Outcomes.add(program.a + " " + program.b + " " + program.c.get() + " " + seen[0] + " " + seen[1] + " "
                    + seen[2]);
        }
    }

    static int[][] programs() {
        long seed = Long.getLong("sennit.programSeed", 1);
        var programs = new int[Integer.getInteger("sennit.programs", 8)][];
        for (int i = 0; i < programs.length; i++) {
            var random = new Random(seed + i);
            boolean isOfTwo = random.nextBoolean();
            programs[i] = isOfTwo
                    ? new int[] {code(random, 2, 7), code(random, 2, 7), 0}
                    : new int[] {code(random, 2, 7), code(random, 2, 4), code(random, 1, 4)};
        }
        return programs;
    }

    /** The last of so many things is up to 7, the others up to 4, which have fewer accesses. */
    private static int code(Random random, int length, int most) {
        int code = 1 + random.nextInt(most);
        for (int i = 1; i < length; i++) {
            code = code << 3 | 1 + random.nextInt(4);
        }
        return code;
    }

    @ParameterizedTest
    @MethodSource("programs")
    void seesEveryEndOfAProgram(int[] program) {
        Map<String, Integer> reduced = ends(ScheduleSearch.UNBOUNDED, program);
        Map<String, Integer> whole = endsOfMany(ScheduleSearch.UNBOUNDED, program);
        assertThat(reduced.keySet()).containsAll(whole.keySet());
        if (sum(whole) < MANY) {
            assertThat(whole.keySet()).containsAll(reduced.keySet());
            assertThat(sum(reduced)).isLessThanOrEqualTo(sum(whole));
        }
    }

    @ParameterizedTest
    @MethodSource("programs")
    void seesEveryEndWithFewPreemptions(int[] program) {
        for (int most = 0; most <= 2; most++) {
            assertThat(ends(most, program).keySet()).as("with %s preemptions", most)
                    .containsAll(endsOfMany(most, program).keySet());
        }
    }

    /** Threads of bodies, in a class with memory points. */
    static final class Threads {
        private Threads() {}

        static void together(Runnable... codes) throws InterruptedException {
            var threads = new Thread[codes.length];
            for (int i = 0; i < codes.length; i++) {
                threads[i] = Thread.startVirtualThread(codes[i]);
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    // ---- small bodies, whose schedules can be counted ----

    static class LostUpdate implements ScheduleExplorer.Body {
        private int count;

        @Override
        public void run() throws InterruptedException {
            var counter = new LostUpdate();
            Threads.together(() -> counter.count++, () -> counter.count++);
            Together.check(counter.count == 2, counter.count);
        }
    }

    @Test
    void findsALostUpdateWithOnePreemption() {
        ScheduleExplorer.Body body = PointsLoader.body(LostUpdate.class);
        ScheduleFailure found = catchThrowableOfType(ScheduleFailure.class, () -> ALL.explore(body));
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found.isRepeatable()).as(found.getMessage()).isTrue();
        assertThat(found.exploration().seenUpTo()).isZero();
        assertThat(found).hasMessageContaining("EXHAUSTIVE: all schedules without a preemption");
        for (int i = 0; i < 10; i++) {
            ScheduleFailure again =
                    catchThrowableOfType(ScheduleFailure.class, () -> ALL.replay(found.seed(), body));
            assertThat(again.interleaving()).isEqualTo(found.interleaving());
        }
        Exploration without = ALL.exhaustive(0).explore(body);
        assertThat(without.seenUpTo()).isZero();
        assertThat(without.isComplete()).isFalse();
    }

    static class UnderLock implements ScheduleExplorer.Body {
        private final ReentrantLock lock = new ReentrantLock();
        private int count;

        @Override
        public void run() throws InterruptedException {
            var counter = new UnderLock();
            Runnable adds = () -> {
                counter.lock.lock();
                counter.count++;
                counter.lock.unlock();
            };
            Threads.together(adds, adds, adds);
            Together.check(counter.count == 3, counter.count);
        }
    }

    @Test
    void tellsThatItHasSeenAll() {
        Exploration seen = explore(UnderLock.class);
        assertThat(seen.isComplete()).as(seen.toString()).isTrue();
        assertThat(seen.failed()).isZero();
        assertThat(seen).asString().contains("EXHAUSTIVE: all schedules, memory points");
        Exploration some = ScheduleExplorer.of(2).exhaustive(2).explore(PointsLoader.body(UnderLock.class));
        assertThat(some.schedules()).isEqualTo(2);
        assertThat(some.seenUpTo()).isEqualTo(-1);
        assertThat(some).asString().contains("EXHAUSTIVE: not all schedules");
    }

    static class Apart implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            var own = new int[5];
            var parts = new Runnable[5];
            for (int i = 0; i < 5; i++) {
                int mine = i;
                parts[i] = () -> {
                    own[mine]++;
                    own[mine]++;
                };
            }
            Threads.together(parts);
        }
    }

    /** There are 11,732,745,024 orders of these accesses, all the same to the program. */
    @Test
    void runsWhatHasNothingToDoWithEachOtherOnce() {
        assertThat(explore(Apart.class)).returns(1, Exploration::schedules).returns(true, Exploration::isComplete);
    }

    static class TwoLocks implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            var one = new Object();
            var other = new Object();
            Threads.together(
                    () -> {
                        synchronized (one) {
                            synchronized (other) {
                                Outcomes.add("first");
                            }
                        }
                    },
                    () -> {
                        synchronized (other) {
                            synchronized (one) {
                                Outcomes.add("second");
                            }
                        }
                    });
        }
    }

    @Test
    void findsADeadlockOfMonitors() {
        ScheduleFailure found = catchThrowableOfType(ScheduleFailure.class, () -> explore(TwoLocks.class));
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        assertThat(found.isRepeatable()).as(found.getMessage()).isTrue();
    }

    // ---- loops that wait ----

    static class ReadsAgain implements ScheduleExplorer.Body {
        private volatile boolean isSet;
        private final AtomicBoolean other = new AtomicBoolean();

        @Override
        public void run() throws InterruptedException {
            var flags = new ReadsAgain();
            int kind = Outcomes.given(0);
            Threads.together(
                    () -> {
                        switch (kind) {
                            case 0 -> {
                                while (!flags.isSet) {}
                            }
                            case 1 -> {
                                while (!flags.isSet) {
                                    Thread.onSpinWait();
                                }
                            }
                            case 2 -> {
                                while (!flags.isSet) {
                                    Thread.yield();
                                }
                            }
                            case 3 -> {
                                while (!flags.other.get()) {}
                            }
                            default -> {
                                while (!flags.other.compareAndSet(true, false)) {}
                            }
                        }
                    },
                    () -> {
                        flags.isSet = true;
                        flags.other.set(true);
                    });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void loopsThatWaitEnd(int kind) {
        Exploration seen = explore(ReadsAgain.class, kind);
        assertThat(seen.isComplete()).as(seen.toString()).isTrue();
        assertThat(seen.schedules()).isLessThan(1000);
    }

    // ---- code without memory points ----

    static class OnPool implements ScheduleExplorer.Body {
        private int count;

        @Override
        public void run() throws Exception {
            var counter = new OnPool();
            try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
                CompletableFuture<Void> one = CompletableFuture.runAsync(() -> counter.count++, pool);
                CompletableFuture<Void> other = CompletableFuture.runAsync(() -> counter.count++, pool);
                one.get();
                other.get();
            }
            Outcomes.add("counted " + counter.count);
        }
    }

    @Test
    void searchesTasksOfExecutors() {
        Outcomes.begin();
        Exploration seen = ALL.exhaustive(2).survey(PointsLoader.body(OnPool.class));
        assertThat(seen.seenUpTo()).as(seen.toString()).isEqualTo(2);
        assertThat(Outcomes.seen()).containsOnlyKeys("counted 1", "counted 2");
    }

    /** Without memory points threads change where they wait. */
    @Test
    void searchesTheOrdersOfWaitsAlone() {
        Outcomes.begin();
        Exploration seen = ALL.explore(() -> {
            var order = new StringBuffer();
            Runnable twice = () -> {
                order.append(Thread.currentThread().getName());
                Thread.yield();
                order.append(Thread.currentThread().getName());
            };
            Thread a = Thread.ofVirtual().name("a").start(twice);
            Thread b = Thread.ofVirtual().name("b").start(twice);
            a.join();
            b.join();
            Outcomes.add(order.toString());
        });
        assertThat(seen.isComplete()).as(seen.toString()).isTrue();
        assertThat(Outcomes.seen()).containsKeys("abab", "abba", "baab", "baba");
    }

    static class NamedTwice implements ScheduleExplorer.Body {
        private static class Base {
            static int count;
        }

        private static final class One extends Base {}

        private static final class Other extends Base {}

        @Override
        public void run() throws InterruptedException {
            Base.count = 0;
            Threads.together(() -> One.count++, () -> Other.count++);
            Together.check(Base.count == 2, Base.count);
        }
    }

    /** An instruction may name a static field by any class that inherits it. */
    @Test
    void aStaticFieldIsOneByEachOfItsNames() {
        ScheduleFailure found = catchThrowableOfType(ScheduleFailure.class, () -> explore(NamedTwice.class));
        assertThat(found).isNotNull();
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
    }

    // ---- what a step does to a thread ----

    static class InterruptsOne implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            var queue = new ArrayBlockingQueue<>(1, false, List.of("one"));
            var how = new String[1];
            Thread takes = Thread.startVirtualThread(() -> {
                try {
                    how[0] = queue.take();
                } catch (InterruptedException e) {
                    how[0] = "interrupted";
                }
            });
            takes.interrupt();
            takes.join();
            Outcomes.add(how[0]);
        }
    }

    @Test
    void anInterruptComesBeforeAndAfterWhatItEnds() {
        assertThat(explore(InterruptsOne.class).isComplete()).isTrue();
        assertThat(Outcomes.seen()).containsOnlyKeys("interrupted", "one");
    }

    static class LooksAtOne implements ScheduleExplorer.Body {
        private int value;

        @Override
        public void run() throws InterruptedException {
            var box = new LooksAtOne();
            boolean isAsked = Outcomes.given(0) == 0;
            Thread sets = Thread.startVirtualThread(() -> box.value = 1);
            Outcomes.add(isAsked ? "alive " + sets.isAlive() : "ended " + sets.join(Duration.ofMillis(1)));
            sets.join();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aThreadIsLookedAtBeforeAndAfterItEnds(int kind) {
        assertThat(explore(LooksAtOne.class, kind).isComplete()).isTrue();
        assertThat(Outcomes.seen().keySet()).contains(kind == 0 ? "alive false" : "ended true")
                .hasSize(kind == 0 ? 2 : 1);
    }

    // ---- objects of the JDK that share state ----

    static class ReadLockAndWriteLock implements ScheduleExplorer.Body {
        private int x;
        private int y;

        @Override
        public void run() throws InterruptedException {
            var box = new ReadLockAndWriteLock();
            var lock = new ReentrantReadWriteLock();
            Threads.together(() -> {
                box.y = 1;
                lock.writeLock().lock();
                box.x = 1;
                lock.writeLock().unlock();
            }, () -> {
                if (box.y == 1) {
                    lock.readLock().lock();
                    Outcomes.add("x is " + box.x);
                    lock.readLock().unlock();
                }
            });
        }
    }

    @Test
    void aReadLockIsInTheWayOfItsWriteLock() {
        assertThat(explore(ReadLockAndWriteLock.class).isComplete()).isTrue();
        assertThat(Outcomes.seen()).containsOnlyKeys("x is 0", "x is 1");
    }

    static class MapAndView implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            boolean isConcurrent = Outcomes.given(0) == 0;
            Map<String, Integer> map = isConcurrent ? new ConcurrentHashMap<>() : new HashMap<>();
            Set<String> keys = map.keySet();
            map.put("key", 1);
            Threads.together(() -> keys.remove("key"), () -> Outcomes.add("found " + map.get("key")));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aViewIsInTheWayOfItsMap(int kind) {
        assertThat(explore(MapAndView.class, kind).isComplete()).isTrue();
        assertThat(Outcomes.seen()).containsOnlyKeys("found 1", "found null");
    }

    static class AddsUp implements ScheduleExplorer.Body {
        private int value;

        @Override
        public void run() throws InterruptedException {
            var box = new AddsUp();
            Threads.together(() -> {
                int sum = 0;
                for (int i = 0; i < 10; i++) {
                    sum += box.value;
                }
                Outcomes.add("sum " + sum);
            }, () -> box.value = 1);
        }
    }

    /** A loop that reads the same again and again, and does not wait. */
    @Test
    void aLoopThatDoesNotWaitEndsBeforeOthersGoOn() {
        assertThat(explore(AddsUp.class).isComplete()).isTrue();
        assertThat(Outcomes.seen()).hasSize(11).containsKeys("sum 0", "sum 10");
    }

    /** A body that does not do the same again cannot be searched. */
    @Test
    void tellsThatTheBodyDependsOnSomethingElse() {
        var runs = new AtomicInteger();
        Exploration seen = ALL.explore(() -> {
            Runnable code = Thread::yield;
            Thread a = Thread.startVirtualThread(code);
            Thread b = runs.incrementAndGet() % 2 == 0 ? null : Thread.startVirtualThread(code);
            a.join();
            if (b != null) {
                b.join();
            }
        });
        assertThat(seen.repeatable()).isFalse();
        assertThat(seen.isComplete()).isFalse();
        assertThat(seen).asString().contains("NOT repeatable");
    }

    @Test
    void refusesWhatIsNotThere() {
        assertThatThrownBy(() -> ALL.exhaustive(-1)).hasMessage("mostPreemptions must be >= 0, was -1");
        assertThatThrownBy(() -> ALL.replay(1_000_000, PointsLoader.body(UnderLock.class)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("there is no schedule 1000000: the search is over after ");
    }
}
