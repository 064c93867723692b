package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pipeline;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskProgress;
import dev.sennit.observe.TaskEvent.Kind;
import dev.sennit.observe.TaskEvent.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class TaskProgressTest {
    static Integer reportOften(int rounds) {
        for (int round = 1; round <= rounds; round++) {
            TaskProgress.report(round, rounds, "round " + round);
        }
        return rounds;
    }

    static List<TaskEvent> progress(List<TaskEvent> events) {
        return events.stream().filter(event -> event.kind() == Kind.PROGRESS).toList();
    }

    private static List<Progress> progress(TaskEvents events) {
        return progress(events.drain()).stream().map(event -> event.progress().orElseThrow()).toList();
    }

    /** The first and the last of many reports, and no more of those between than there is time for. */
    static void ensureToldOf(int rounds, List<TaskEvent> events) {
        List<TaskEvent> told = progress(events);
        assertThat(told).hasSizeBetween(2, rounds - 1).extracting(TaskEvent::task)
                .containsOnly(events.getFirst().task());
        assertThat(told).extracting(event -> event.progress().orElseThrow().done()).isSorted()
                .startsWith(1L).endsWith((long) rounds);
        assertThat(told.getLast().progress())
                .contains(new Progress(rounds, OptionalLong.of(rounds), "round " + rounds));
        assertThat(events.getLast().kind()).isEqualTo(Kind.SUCCEEDED);
        assertThat(events).filteredOn(event -> event.kind() != Kind.PROGRESS)
                .allSatisfy(event -> assertThat(event.progress()).isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "virtual", "loop"})
    void aTaskTellsHowFarItIs(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            pool.submit(() -> reportOften(10_000)).get();
            List<TaskEvent> told = events.drain().stream().filter(event -> event.kind().isOfTask()).toList();
            ensureToldOf(10_000, told);
            assertThat(progress(told)).allSatisfy(event -> {
                assertThat(event.name()).isEqualTo(TaskProgressTest.class.getName() + "::lambda");
                assertThat(event.pool()).isEqualTo(pool.name());
                assertThat(event.ran()).isEmpty();
                assertThat(event.waited()).isEmpty();
                assertThat(event.cpu()).isEmpty();
                assertThat(event.failure()).isEmpty();
            });
        }
    }

    @Test
    void whatIsNotKnownIsAbsentAndMessagesAreShortAndWithoutSecrets() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            pool.submit(() -> TaskProgress.report(3, -1, "")).get();
            assertThat(progress(events)).containsExactly(new Progress(3, OptionalLong.empty(), ""));
            pool.submit(() -> TaskProgress.report(3, 2, "more than there was to be")).get();
            assertThat(progress(events)).extracting(Progress::total).containsExactly(OptionalLong.empty());
            pool.submit(() -> TaskProgress.report(0, 0, "token=abc")).get();
            assertThat(progress(events)).containsExactly(new Progress(0, OptionalLong.of(0), "token=***"));
            pool.submit(() -> TaskProgress.report(0, 1, "x".repeat(300))).get();
            assertThat(progress(events)).extracting(Progress::message).containsExactly("x".repeat(200));
        }
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThatThrownBy(() -> TaskProgress.report(-1, 2, "")).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("done must be >= 0, was -1");
        assertThatNullPointerException().isThrownBy(() -> TaskProgress.report(1, 2, null));
    }

    @Test
    void outsideOfATaskNothingHappens() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            TaskProgress.report(1, 2, "");
            pool.submit(() -> {
                Thread own = Thread.ofPlatform().start(() -> TaskProgress.report(1, 2, ""));
                own.join();
                return 1;
            }).get();
            pool.submit(() -> 1).thenRun(() -> TaskProgress.report(1, 2, "in a callback")).get();
            assertThat(progress(events)).isEmpty();
        }
        try (Pool pool = Pools.open("threads:1")) {
            assertThat(pool.submit(() -> reportOften(10)).get()).isEqualTo(10);
        }
    }

    @Test
    void theAttemptsOfATaskReportForIt() throws Exception {
        var calls = new AtomicInteger();
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            pool.submit((Task<Integer>) () -> {
                TaskProgress.report(calls.incrementAndGet(), 2, "");
                if (calls.get() < 2) {
                    throw new IllegalStateException("not yet");
                }
                return 1;
            }, TaskOptions.named("twice").retry(Retry.attempts(2))).get();
            List<TaskEvent> told = events.drain().stream().filter(event -> event.kind().isOfTask()).toList();
            assertThat(told).extracting(TaskEvent::kind).containsExactly(
                    Kind.SUBMITTED, Kind.BEGUN, Kind.PROGRESS, Kind.RETRIED, Kind.PROGRESS, Kind.SUCCEEDED);
            assertThat(told).extracting(TaskEvent::task).containsOnly(told.getFirst().task());
        }
    }

    @Test
    void aTaskWhoseFutureIsDoneIsNotToldOf() throws Exception {
        var runs = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            TaskFuture<?> cancelled = pool.submit(() -> {
                runs.countDown();
                while (goesOn.getCount() > 0) {
                    Thread.onSpinWait();
                }
                TaskProgress.report(1, 2, "");
                return 1;
            });
            runs.await();
            cancelled.cancel(false);
            goesOn.countDown();
            pool.submit(() -> 1).get();
            assertThat(progress(events)).isEmpty();
        }
    }

    /** A task that nobody is told of, run by a worker that waits for it in one that is told of. */
    @Test
    void aTaskInsideAnotherDoesNotReportForThatOne() throws Exception {
        var isFree = new CountDownLatch(1);
        try (Pool pool = Pools.open("threads:1?order=priority")) {
            pool.submit(() -> {
                isFree.await();
                return 1;
            });
            TaskFuture<?> untold = pool.submit(() -> reportOften(7));
            try (TaskEvents events = TaskEvents.open()) {
                TaskFuture<?> told = pool.submit(() -> {
                    untold.join();
                    TaskProgress.report(1, 1, "own");
                    return 1;
                }, TaskOptions.NONE.priority(1));
                isFree.countDown();
                told.get();
                assertThat(progress(events)).extracting(Progress::message).containsExactly("own");
            }
        }
    }

    @Test
    void aMapReportsItsItems() {
        List<Integer> items = IntStream.range(0, 500).boxed().toList();
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:2")) {
            pool.map(item -> item + 1, items);
            List<TaskEvent> all = events.drain();
            List<TaskEvent> told = progress(all);
            assertThat(told.getLast().progress()).contains(new Progress(500, OptionalLong.of(500), ""));
            assertThat(told).extracting(TaskEvent::task).containsOnly(told.getFirst().task());
            assertThat(told.getFirst().name()).isEqualTo(TaskProgressTest.class.getName() + "::lambda");
            assertThat(all).filteredOn(event -> event.task() == told.getFirst().task()).hasSameSizeAs(told);
            assertThat(items.stream().gather(pool.mapping(item -> item + 1)).toList()).hasSize(500);
            assertThat(progress(events).getLast()).isEqualTo(new Progress(500, OptionalLong.empty(), ""));
            pool.mapAsync(item -> item + 1, items).join();
            assertThat(progress(events).getLast()).isEqualTo(new Progress(500, OptionalLong.of(500), ""));
        }
    }

    @Test
    void aMapThatFailsReportsWhatItHas() {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("inline")) {
            assertThatThrownBy(() -> pool.chunksOf(1).map(item -> {
                if (item == 3) {
                    throw new IllegalStateException("is to fail");
                }
                return item;
            }, List.of(1, 2, 3, 4))).isInstanceOf(CompletionException.class);
            assertThat(progress(events)).extracting(Progress::done).containsExactly(1L, 2L);
        }
    }

    @Test
    void aPipelineReportsTheItemsThatAreThrough() {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:2")) {
            List<Integer> items = List.of(1, 2, 3, 4);
            var pipeline = Pipeline.from(items).through("half", pool, item -> 8 / (item - 3))
                    .through("same", pool, item -> item).collectingFailures(failure -> {});
            pipeline.run(item -> {});
            TaskEvent last = progress(events.drain()).getLast();
            assertThat(last.name()).isEqualTo("half -> same");
            assertThat(last.pool()).isEqualTo(pool.name());
            assertThat(last.progress()).contains(new Progress(4, OptionalLong.of(4), ""));
            Pipeline.from(Stream.of(1, 2)).through("same", pool, item -> item).run(item -> {});
            assertThat(progress(events).getLast()).isEqualTo(new Progress(2, OptionalLong.empty(), ""));
        }
    }

    @Test
    void aStreamMayBeOpenedAndClosedMeanwhile() throws Exception {
        try (Pool pool = Pools.open("threads:2")) {
            List<TaskFuture<?>> futures = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                try (var _ = TaskEvents.open()) {
                    futures.add(pool.submit(() -> reportOften(50)));
                    futures.add(pool.mapAsync(item -> reportOften(item), List.of(1, 2, 3)));
                }
            }
            for (TaskFuture<?> future : futures) {
                future.get();
            }
        }
    }
}
