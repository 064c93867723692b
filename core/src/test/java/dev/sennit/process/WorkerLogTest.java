package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.Backend;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkerLogTest {
    private final List<String> lines = new ArrayList<>();
    private final BiConsumer<Level, String> before = WorkerLog.tellTo((level, line) -> lines.add(level + " " + line));
    private final SetClock clock = new SetClock();
    private final WorkerLog log = new WorkerLog("photos");

    @AfterEach
    void restore() {
        clock.close();
        WorkerLog.tellTo(before);
    }

    /** A time that the test sets, and timers that go off when it says so, or cannot be had. */
    private static final class SetClock extends Backend implements AutoCloseable {
        private final Backend replaced = replace(this);
        private final List<Runnable> actions = new ArrayList<>();
        private long now = 1;
        private boolean hasTimers = true;

        @Override
        public long nanoTime() {
            return now;
        }

        @Override
        protected Future<?> schedule(Runnable action, long nanos) {
            if (!hasTimers) {
                throw new OutOfMemoryError("no thread");
            }
            assertThat(nanos).isEqualTo(WorkerLog.WINDOW.toNanos());
            actions.add(action);
            return new CompletableFuture<>();
        }

        @Override
        public void close() {
            replace(replaced);
        }
    }

    private void lose(int from, int to) {
        for (int i = from; i <= to; i++) {
            log.lost("worker " + i + " died");
        }
    }

    @Test
    void eachWorkerThatIsLostIsALine() {
        lose(1, WorkerLog.MOST);
        assertThat(lines).hasSize(WorkerLog.MOST).startsWith("WARNING photos - worker 1 died").doesNotHaveDuplicates();
        log.tellRest();
        assertThat(lines).hasSize(WorkerLog.MOST);
    }

    @Test
    void thoseBeyondAreCountedAndToldOnce() {
        lose(1, 1_000);
        assertThat(lines).hasSize(WorkerLog.MOST);
        assertThat(clock.actions).hasSize(1);
        log.tellRest();
        assertThat(lines).last().isEqualTo("WARNING photos - 990 more workers were lost; the last: worker 1000 died");
        log.tellRest();
        assertThat(lines).hasSize(WorkerLog.MOST + 1);
    }

    @Test
    void theNextWindowHasLinesOfItsOwn() {
        lose(1, 11);
        clock.now += WorkerLog.WINDOW.toNanos();
        clock.hasTimers = false;
        lose(12, 22);
        assertThat(lines)
                .hasSize(2 * WorkerLog.MOST + 1)
                .contains("WARNING photos - 1 more worker was lost; the last: worker 11 died",
                        "WARNING photos - worker 21 died")
                .doesNotContain("WARNING photos - worker 22 died");
        log.tellRest();
        assertThat(lines).last().isEqualTo("WARNING photos - 1 more worker was lost; the last: worker 22 died");
    }

    @Test
    void aLineHasItsLength() {
        log.lost("x".repeat(100_000));
        assertThat(lines).singleElement().asString().hasSizeLessThan(2_100).endsWith("xxx ...");
    }

    @Test
    void aLogThatFailsIsNobodysFailure() {
        BiConsumer<Level, String> own = WorkerLog.tellTo((level, line) -> {
            throw new IllegalStateException("disk full");
        });
        log.lost("worker 1 died");
        log.ended("worker 2 ended");
        WorkerLog.tellTo(own);
        assertThat(lines).isEmpty();
    }
}
