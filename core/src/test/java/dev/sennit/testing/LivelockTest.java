package dev.sennit.testing;

import static dev.sennit.testing.ScheduleExplorerTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LivelockTest {
    /** Two who make way for each other: each takes its lock, finds the other's taken, and lets go. */
    public static final class Polite implements ScheduleExplorer.Body {
        @Override
        public void run() throws Throwable {
            var turn = new AtomicInteger(1);
            Together.together(() -> passes(turn, 1), () -> passes(turn, 0));
        }

        private static void passes(AtomicInteger turn, int other) {
            while (!turn.compareAndSet(2, 2)) {
                turn.set(other); // after you
                Thread.yield();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"PORTFOLIO", "PCT", "EXHAUSTIVE"})
    void aLivelockIsTold(Strategy strategy) {
        ScheduleFailure found = failureOf(
                ScheduleExplorer.of(100).strategy(strategy).stepLimit(600), PointsLoader.body(Polite.class));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.STEP_LIMIT);
        assertThat(found).hasMessageContaining(
                "no end after 600 steps: livelock: thread-1 and thread-2 go on in turn, at the same places again and"
                        + " again, and none gets further");
    }

    /** Both need both locks, let go of the one if they do not get the other, and try again. */
    public static final class TryLocks implements ScheduleExplorer.Body {
        @Override
        public void run() throws Throwable {
            var one = new ReentrantLock();
            var other = new ReentrantLock();
            Together.together(() -> both(one, other), () -> both(other, one));
        }

        private static void both(ReentrantLock first, ReentrantLock second) {
            while (true) {
                first.lock();
                try {
                    if (second.tryLock()) {
                        second.unlock();
                        return;
                    }
                } finally {
                    first.unlock();
                }
                Thread.onSpinWait();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void loopsThatTryAgainEndAsTheOthersGoOn(Strategy strategy) {
        Exploration seen = ScheduleExplorer.of(100).strategy(strategy).explore(PointsLoader.body(TryLocks.class));

        assertThat(seen.failed()).isZero();
    }

    @Test
    void oneThatGetsFurtherIsNoLivelock() {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            steps.add(new Step("one", "at " + i, "at " + (i + 1)));
            steps.add(new Step("other", "loop", "loop"));
        }
        assertThat(Livelock.of(steps)).isEmpty();
        assertThat(Livelock.of(List.of())).isEmpty();
    }
}
