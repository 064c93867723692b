package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskOptions;
import dev.sennit.observe.TaskEvent.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class TaskFiguresTest {
    private static TaskEvent event(Kind kind, String name, Duration time) {
        return new TaskEvent(
                kind, 1, "pool", name, Instant.EPOCH,
                kind == Kind.BEGUN ? Optional.of(time) : Optional.empty(),
                kind.isEnd() || kind == Kind.RUN_OVER ? Optional.of(time) : Optional.empty(),
                Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    @Test
    void tasksOfPoolsAreCounted() throws Exception {
        var figures = new TaskFigures();
        var runs = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            var held = pool.submit(() -> {
                runs.countDown();
                goesOn.await();
                return 1;
            }, TaskOptions.named("held"));
            runs.await();
            var dropped = pool.submit(() -> 2, TaskOptions.named("dropped"));
            dropped.cancel(false);
            var failed = pool.submit((Task<Integer>) () -> {
                throw new IllegalStateException();
            }, TaskOptions.named("fails"));
            events.drain().forEach(figures::event);
            assertThat(figures.byName()).extracting(TaskFigures.OfName::name)
                    .containsExactly("dropped", "fails", "held");
            assertThat(figures.byName()).extracting(TaskFigures.OfName::underWay).containsExactly(0L, 1L, 1L);
            goesOn.countDown();
            held.get();
            assertThatThrownBy(failed::get).hasCauseInstanceOf(IllegalStateException.class);
            events.drain().forEach(figures::event);
            assertThat(figures.byName()).extracting(TaskFigures.OfName::cancelled).containsExactly(1L, 0L, 0L);
            assertThat(figures.byName()).extracting(TaskFigures.OfName::failed).containsExactly(0L, 1L, 0L);
            assertThat(figures.byName()).extracting(TaskFigures.OfName::succeeded).containsExactly(0L, 0L, 1L);
            assertThat(figures.byName()).extracting(TaskFigures.OfName::underWay).containsOnly(0L);
            assertThat(figures.byName()).extracting(one -> one.ran().count()).containsExactly(0L, 1L, 1L);
        }
    }

    @Test
    void eachKindOfEventHasItsFigure() {
        var figures = new TaskFigures();
        for (int i = 0; i < 5; i++) {
            figures.event(event(Kind.SUBMITTED, "a", Duration.ZERO));
        }
        figures.event(event(Kind.BEGUN, "a", Duration.ofMillis(4)));
        figures.event(event(Kind.HANDED_BACK, "a", Duration.ZERO));
        figures.event(event(Kind.RETRIED, "a", Duration.ZERO));
        figures.event(event(Kind.SUCCEEDED, "a", Duration.ofMillis(1)));
        figures.event(event(Kind.FAILED, "a", Duration.ofMillis(2)));
        figures.event(event(Kind.CANCELLED, "a", Duration.ofMillis(3)));
        figures.event(event(Kind.RUN_OVER, "a", Duration.ofMillis(9)));
        figures.missed(3);
        figures.missed(4);

        TaskFigures.OfName a = figures.byName().getFirst();
        assertThat(List.of(a.submitted(), a.succeeded(), a.failed(), a.cancelled(), a.underWay()))
                .containsExactly(5L, 1L, 1L, 1L, 2L);
        assertThat(a.waited().max()).contains(Duration.ofMillis(4));
        assertThat(a.ran().count()).isEqualTo(4);
        assertThat(a.ran().max()).contains(Duration.ofMillis(9));
        assertThat(figures.missed()).isEqualTo(7);

        a.ran().record(Duration.ofDays(1)); // of the snapshot only
        assertThat(figures.byName().getFirst().ran().count()).isEqualTo(4);
    }

    @Test
    void manyNamesTakeBoundedMemory() {
        var figures = new TaskFigures();
        for (int i = 0; i < 1000; i++) {
            figures.event(event(Kind.SUBMITTED, "task " + i, Duration.ZERO));
        }
        figures.event(event(Kind.SUBMITTED, "task 0", Duration.ZERO));
        assertThat(figures.byName()).hasSize(TaskFigures.MOST_NAMES + 1);
        assertThat(figures.byName()).filteredOn(one -> one.name().equals(TaskFigures.OTHERS))
                .extracting(TaskFigures.OfName::submitted).containsExactly(1000L - TaskFigures.MOST_NAMES);
        assertThat(figures.byName()).filteredOn(one -> one.name().equals("task 0"))
                .extracting(TaskFigures.OfName::submitted).containsExactly(2L);
    }
}
