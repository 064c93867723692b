package dev.sennit.testing;

import static dev.sennit.testing.ScheduleExplorerTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bugs between two accesses to memory, in code that says nothing of schedules; beside the same code mended. */
@Timeout(120)
class MemoryPointsTest {
    private static ScheduleExplorer explorer(Strategy strategy) {
        ScheduleExplorer explorer = ScheduleExplorer.of(10_000);
        return explorer.strategy(strategy);
    }

    /** Two threads that do the same. */
    abstract static class Twice implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            Runnable one = one();
            Thread first = Thread.startVirtualThread(one);
            Thread second = Thread.startVirtualThread(one);
            first.join();
            second.join();
            check();
        }

        abstract Runnable one();

        abstract void check();
    }

    static class PlainCounter extends Twice {
        private int count;

        @Override
        Runnable one() {
            count = 0;
            return () -> count++;
        }

        @Override
        void check() {
            Together.check(count == 2, count);
        }
    }

    static class CounterUnderMonitor extends Twice {
        private int count;

        @Override
        Runnable one() {
            count = 0;
            return () -> {
                synchronized (this) {
                    count++;
                }
            };
        }

        @Override
        void check() {
            Together.check(count == 2, count);
        }
    }

    static class AtomicGetAndSet extends Twice {
        private AtomicInteger count = new AtomicInteger();

        @Override
        Runnable one() {
            count = new AtomicInteger();
            return () -> count.set(count.get() + 1);
        }

        @Override
        void check() {
            Together.check(count.get() == 2, count);
        }
    }

    static class AtomicIncrement extends Twice {
        private AtomicInteger count = new AtomicInteger();

        @Override
        Runnable one() {
            count = new AtomicInteger();
            return () -> count.incrementAndGet();
        }

        @Override
        void check() {
            Together.check(count.get() == 2, count);
        }
    }

    static class ElementOfAnArray extends Twice {
        private int[] counts = new int[1];

        @Override
        Runnable one() {
            counts = new int[1];
            return () -> counts[0]++;
        }

        @Override
        void check() {
            Together.check(counts[0] == 2, counts[0]);
        }
    }

    static class CheckThenPut extends Twice {
        private ConcurrentHashMap<String, Integer> cache = new ConcurrentHashMap<>();
        private AtomicInteger loads = new AtomicInteger();

        @Override
        Runnable one() {
            cache = new ConcurrentHashMap<>();
            loads = new AtomicInteger();
            return () -> {
                if (!cache.containsKey("key")) {
                    cache.put("key", loads.incrementAndGet());
                }
            };
        }

        @Override
        void check() {
            Together.check(loads.get() == 1, loads);
        }
    }

    static class ComputeIfAbsent extends Twice {
        private ConcurrentHashMap<String, Integer> cache = new ConcurrentHashMap<>();
        private AtomicInteger loads = new AtomicInteger();

        @Override
        Runnable one() {
            cache = new ConcurrentHashMap<>();
            loads = new AtomicInteger();
            return () -> cache.computeIfAbsent("key", key -> loads.incrementAndGet());
        }

        @Override
        void check() {
            Together.check(loads.get() == 1, loads);
        }
    }

    /** Money is lost: each has read the balance before the other wrote. */
    static class Account extends Twice {
        private int balance;

        @Override
        Runnable one() {
            balance = 100;
            return () -> {
                deposit(50);
                withdraw(50);
            };
        }

        void deposit(int amount) {
            balance = balance + amount;
        }

        void withdraw(int amount) {
            balance = balance - amount;
        }

        @Override
        void check() {
            Together.check(balance == 100, balance);
        }
    }

    static class LockedAccount extends Twice {
        private ReentrantLock lock = new ReentrantLock();
        private int balance;

        @Override
        Runnable one() {
            lock = new ReentrantLock();
            balance = 100;
            return () -> {
                add(50);
                add(-50);
            };
        }

        private void add(int amount) {
            lock.lock();
            try {
                balance += amount;
            } finally {
                lock.unlock();
            }
        }

        @Override
        void check() {
            Together.check(balance == 100, balance);
        }
    }

    /** In neither is there a wait between the two locks. */
    static class LocksInDifferentOrder implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            var one = new ReentrantLock();
            var other = new ReentrantLock();
            Thread first = Thread.startVirtualThread(() -> both(one, other));
            Thread second = Thread.startVirtualThread(() -> both(other, one));
            first.join();
            second.join();
        }

        private static void both(ReentrantLock one, ReentrantLock other) {
            one.lock();
            other.lock();
            other.unlock();
            one.unlock();
        }
    }

    /** Waits without waiting. */
    static class Spins implements ScheduleExplorer.Body {
        private volatile boolean said;

        @Override
        public void run() throws InterruptedException {
            said = false;
            Thread waits = Thread.startVirtualThread(() -> {
                while (!said) {
                    Thread.onSpinWait();
                }
            });
            Thread says = Thread.startVirtualThread(() -> said = true);
            waits.join();
            says.join();
        }
    }

    static class LooksForEver implements ScheduleExplorer.Body {
        private volatile boolean said;

        @Override
        public void run() {
            while (!said) {
                // somebody should say so
            }
        }
    }

    /** Loops in which nothing is a point: a waiting thread lets others go on all the same. */
    static class LooksAtItsInterrupt implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            Thread looks = Thread.startVirtualThread(() -> {
                boolean goesOn = true;
                while (goesOn) {
                    goesOn = !Thread.currentThread().isInterrupted();
                }
            });
            Thread.startVirtualThread(looks::interrupt).join();
            looks.join();
        }
    }

    static class TurnsForEver implements ScheduleExplorer.Body {
        @Override
        public void run() {
            int turns = 0;
            while (turns >= 0) {
                turns = turns == 7 ? 0 : turns + 1;
            }
        }
    }

    /** Asks twice, and between its questions the other may empty it: only synchronized methods touch the text. */
    static class AsksTwice implements ScheduleExplorer.Body {
        private static final class Text {
            private String held = "abc";

            synchronized int length() {
                return held.length();
            }

            synchronized char last(int length) {
                return held.charAt(length - 1);
            }

            synchronized void set(String text) {
                held = text;
            }

            static synchronized long width(long factor, Text text) {
                return factor * text.length();
            }
        }

        @Override
        public void run() throws InterruptedException {
            var text = new Text();
            Thread other = Thread.startVirtualThread(() -> {
                text.set("");
                text.set("abc");
            });
            Together.check(text.last(text.length()) == 'c', "last");
            other.join();
            Together.check(Text.width(3L, text) == 9, "width");
        }
    }

    /** Of many threads that do the same only the first matters, and one that does something else has to see it. */
    static class OneAmongMany implements ScheduleExplorer.Body {
        private static final int MANY = 50;

        private static final class Pair {
            private int a;
            private int b;
        }

        @Override
        public void run() throws InterruptedException {
            var pair = new Pair();
            Thread[] all = new Thread[MANY + 1];
            for (int i = 0; i < MANY; i++) {
                all[i] = Thread.startVirtualThread(() -> {
                    pair.a = 1;
                    pair.b = -1;
                });
            }
            all[MANY] = Thread.startVirtualThread(() -> Together.check(
                    pair.a == 0 && pair.b == 0 || pair.a == 1 && pair.b == -1, "between"));
            for (Thread one : all) {
                one.join();
            }
        }
    }

    /** An object that counts, of a class that is not the JDK's and inherits all. */
    static class OwnAtomic extends Twice {
        private static final class Own extends AtomicInteger {
            private static final long serialVersionUID = 1L;
        }

        private Own made = new Own();

        @Override
        Runnable one() {
            var own = new Own();
            made = own;
            return () -> own.set(own.get() + 1);
        }

        @Override
        void check() {
            Together.check(made.get() == 2, made);
        }
    }

    /** The same with a map, by an interface that inherits all. */
    static class OwnMap extends Twice {
        interface Counts extends ConcurrentMap<String, Integer> {}

        private static final class Own extends ConcurrentHashMap<String, Integer> implements Counts {
            private static final long serialVersionUID = 1L;
        }

        private Counts made = new Own();

        @Override
        Runnable one() {
            Counts own = new Own();
            made = own;
            return () -> own.put("key", own.getOrDefault("key", 0) + 1);
        }

        @Override
        void check() {
            Together.check(made.get("key") == 2, made);
        }
    }

    private static void finds(Strategy strategy, Class<? extends ScheduleExplorer.Body> type) {
        assertThat(failureOf(explorer(strategy), PointsLoader.body(type)).kind()).isEqualTo(ScheduleFailure.Kind.THREW);
    }

    private static void findsNothing(Strategy strategy, Class<? extends ScheduleExplorer.Body> type) {
        Exploration seen = ScheduleExplorer.of(Budget.of(3000)).strategy(strategy).explore(PointsLoader.body(type));
        assertThat(seen.repeatable()).isTrue();
        assertThat(seen.distinct()).isGreaterThan(2);
    }

    @ParameterizedTest
    @EnumSource
    void findsLostUpdates(Strategy strategy) {
        finds(strategy, PlainCounter.class);
        finds(strategy, AtomicGetAndSet.class);
        finds(strategy, ElementOfAnArray.class);
        finds(strategy, Account.class);
    }

    @ParameterizedTest
    @EnumSource
    void findsLostUpdatesOfClassesThatInheritFromTheJdk(Strategy strategy) {
        finds(strategy, OwnAtomic.class);
        finds(strategy, OwnMap.class);
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithUpdatesInOneGo(Strategy strategy) {
        findsNothing(strategy, AtomicIncrement.class);
        findsNothing(strategy, LockedAccount.class);
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithUpdatesUnderAMonitor(Strategy strategy) {
        findsNothing(strategy, CounterUnderMonitor.class);
    }

    @ParameterizedTest
    @EnumSource
    void findsChecksThatNoLongerHold(Strategy strategy) {
        finds(strategy, CheckThenPut.class);
        findsNothing(strategy, ComputeIfAbsent.class);
    }

    /** No access lies between two calls of synchronized methods. */
    @ParameterizedTest
    @EnumSource
    void findsWhatComesBetweenTwoSynchronizedMethods(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), PointsLoader.body(AsksTwice.class));

        assertThat(found.getCause()).isInstanceOf(StringIndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @EnumSource(names = {"BALANCED", "PORTFOLIO"})
    void findsWhatOneThreadAmongManySees(Strategy strategy) {
        finds(strategy, OneAmongMany.class);
    }

    @ParameterizedTest
    @EnumSource
    void findsLocksTakenInDifferentOrder(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), PointsLoader.body(LocksInDifferentOrder.class));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
    }

    @ParameterizedTest
    @EnumSource
    void aLoopThatWaitsEndsWhenItCan(Strategy strategy) {
        assertThat(ScheduleExplorer.of(Budget.of(3000)).strategy(strategy).explore(PointsLoader.body(Spins.class))
                .repeatable())
                .isTrue();
        assertThat(ScheduleExplorer.of(Budget.of(1000)).strategy(strategy)
                .explore(PointsLoader.body(LooksAtItsInterrupt.class))
                .repeatable()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void aLoopThatDoesNotEndIsReported(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy).stepLimit(10_000), PointsLoader.body(LooksForEver.class));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.STEP_LIMIT);
        assertThat(found).hasMessageContaining("LooksForEver.run");

        found = failureOf(explorer(strategy).stepLimit(10_000), PointsLoader.body(TurnsForEver.class));
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.STEP_LIMIT);
        assertThat(found).hasMessageContaining("TurnsForEver.run");
    }

    @Test
    void withoutThemThreadsThatDoNotWaitAreNotInterrupted() {
        assertThat(ScheduleExplorer.of(1000).explore(new PlainCounter()).repeatable()).isTrue();
    }
}
