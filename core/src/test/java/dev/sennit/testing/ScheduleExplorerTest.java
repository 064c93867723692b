package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Broken code, in which a bug has to be found, beside the same code mended, in which none may be. */
@Timeout(120)
class ScheduleExplorerTest {
    private static final int SCHEDULES = 10_000;

    private static ScheduleExplorer explorer(Strategy strategy) {
        ScheduleExplorer explorer = ScheduleExplorer.of(SCHEDULES);
        return strategy == Strategy.PCT ? explorer.pct(3) : explorer;
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

    static void together(Runnable... all) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Runnable one : all) {
            threads.add(Thread.startVirtualThread(one));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** Of one place, with one condition for both those who put and those who take. */
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
            Runnable puts = () -> {
                buffer.put(1);
                buffer.put(2);
            };
            Runnable takes = () -> {
                buffer.take();
                buffer.take();
            };
            together(puts, takes, puts, takes);
        };
    }

    @ParameterizedTest
    @EnumSource
    void findsThatSignalWakesTheWrongOne(Strategy strategy) {
        ScheduleFailure found = failureOf(explorer(strategy), buffer(false));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        assertThat(found).hasMessageContaining("ScheduleExplorerTest$Buffer.put").hasMessageContaining("body waits:");
        System.out.println(found.getMessage());
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithSignalAll(Strategy strategy) {
        Exploration seen = explorer(strategy).explore(buffer(true));

        assertThat(seen.schedules()).isEqualTo(SCHEDULES);
        assertThat(seen.distinct()).isGreaterThan(100);
        assertThat(seen.repeatable()).isTrue();
        System.out.println(seen);
    }
}
