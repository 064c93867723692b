package dev.sennit.opentelemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.RejectedSubmissionException;
import dev.sennit.Retry;
import dev.sennit.TaskContext;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskScope;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.ContextKey;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskTracingTest {
    private static Object failureOf(TaskFuture<?> future) {
        return future.<Object>handle((_, failure) -> failure).join();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual", "virtual:2", "loop", "loop?mechanism=baton"})
    void aTaskHasASpanBelowItsSubmitters(String plan) {
        ContextKey<String> user = ContextKey.named("user");
        try (var traced = new Traced(); Pool pool = Pools.open(plan)) {
            Context here = Context.root().with(traced.order()).with(user, "Ada")
                    .with(Baggage.builder().put("shop", "north").build());
            try (var _ = here.makeCurrent()) {
                String seen = pool.submit(() -> {
                    traced.tracer().spanBuilder("within").startSpan().end();
                    return Context.current().get(user) + " " + Baggage.current().getEntryValue("shop");
                }, TaskOptions.named("answer")).join();
                assertThat(seen).isEqualTo("Ada north");
            }
            SpanData span = traced.only("answer");
            assertThat(span.getParentSpanId()).isEqualTo(traced.order().getSpanContext().getSpanId());
            assertThat(span.getTraceId()).isEqualTo(traced.order().getSpanContext().getTraceId());
            assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
            assertThat(Traced.text(span, "sennit.pool.name")).isEqualTo(pool.name());
            assertThat(Traced.text(span, "sennit.pool.kind")).isEqualTo(plan.split("[:?]")[0]);
            assertThat(Traced.text(span, "sennit.worker.name")).isNotEmpty();
            assertThat(Traced.number(span, "sennit.task.wait")).isNotNegative();
            assertThat(Traced.text(span, "sennit.task.outcome")).isEqualTo("succeeded");
            SpanData within = traced.only("within");
            assertThat(within.getParentSpanId()).isEqualTo(span.getSpanId());
            assertThat(within.getStartEpochNanos()).isGreaterThanOrEqualTo(span.getStartEpochNanos());

            String left = pool.submit(() -> Context.current().get(user) + " " + Baggage.current().size()).join();
            assertThat(left).as("what is left in a worker").isEqualTo("null 0");
        }
    }

    @Test
    void aTaskWithoutASubmittersSpanBeginsATrace() {
        try (var traced = new Traced(); Pool pool = Pools.open("threads:1")) {
            pool.submit(() -> 5, TaskOptions.named("alone")).join();
            assertThat(traced.only("alone").getParentSpanContext().isValid()).isFalse();
        }
    }

    @Test
    void aFailureIsToldWithoutSecrets() {
        try (var traced = new Traced(); Pool pool = Pools.open("threads:1")) {
            assertThat(failureOf(pool.submit(() -> {
                throw new IOException("refused: token=abc123");
            }, TaskOptions.named("login password=abc123")))).isInstanceOf(IOException.class);
            SpanData span = traced.only("login password=***");
            assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
            assertThat(span.getStatus().getDescription()).isEqualTo("refused: token=***");
            assertThat(Traced.text(span, "error.type")).isEqualTo("java.io.IOException");
            assertThat(Traced.text(span, "sennit.task.outcome")).isEqualTo("failed");
            assertThat(span.getEvents()).singleElement()
                    .satisfies(event -> assertThat(event.getName()).isEqualTo("exception"));
            assertThat(span.toString()).doesNotContain("abc123");
        }
    }

    @Test
    void anExceptionThatFailsToTellIsToldByItsClass() {
        class Hostile extends RuntimeException {
            private static final long serialVersionUID = 1L;

            @Override
            public String getMessage() {
                throw new StackOverflowError();
            }
        }
        try (var traced = new Traced(); Pool pool = Pools.open("threads:1")) {
            failureOf(pool.submit(() -> {
                throw new Hostile();
            }, TaskOptions.named("hostile")));
            assertThat(Traced.text(traced.only("hostile"), "error.type")).isEqualTo(Hostile.class.getName());
        }
    }

    @Test
    void aRefusedTaskHasASpan() {
        try (var traced = new Traced(); Pool pool = Pools.open("threads:1")) {
            pool.shutdown();
            assertThatThrownBy(() -> pool.submit(() -> 5, TaskOptions.named("late")))
                    .isInstanceOf(RejectedSubmissionException.class);
            SpanData span = traced.only("late");
            assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
            assertThat(Traced.text(span, "sennit.task.outcome")).isEqualTo("refused");
            assertThat(Traced.text(span, "error.type")).isEqualTo(RejectedSubmissionException.class.getName());
            assertThat(Traced.number(span, "sennit.task.wait")).isNull();
        }
    }

    @Test
    void tasksThatAreCancelledOrTakeTooLongHaveEndedSpans() throws Exception {
        var release = new CountDownLatch(1);
        var begun = new CountDownLatch(1);
        try (var traced = new Traced(); Pool pool = Pools.open("threads:1")) {
            TaskFuture<?> running = pool.submit(() -> {
                begun.countDown();
                while (true) {
                    try {
                        release.await();
                        return;
                    } catch (InterruptedException e) {
                        // goes on
                    }
                }
            }, TaskOptions.named("running"));
            TaskFuture<?> waiting = pool.submit(() -> {}, TaskOptions.named("waiting"));
            begun.await();
            waiting.cancel(true);
            running.cancel(true);
            assertThat(Traced.text(traced.only("waiting"), "sennit.task.outcome")).isEqualTo("cancelled");
            assertThat(Traced.number(traced.only("waiting"), "sennit.task.wait")).isNull();
            SpanData stopped = traced.only("running"); // although its run goes on
            assertThat(stopped.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
            assertThat(Traced.text(stopped, "sennit.worker.name")).isNotEmpty();
            release.countDown();

            TaskFuture<?> slow = pool.submit(() -> new CountDownLatch(1).await(),
                    TaskOptions.timeLimit(Duration.ofMillis(1)).name("slow"));
            assertThat(failureOf(slow)).isInstanceOf(TimeoutException.class);
            assertThat(Traced.text(traced.only("slow"), "error.type")).isEqualTo(TimeoutException.class.getName());

            TaskFuture<Integer> completed =
                    pool.submitAfter(Duration.ofDays(1), () -> 5, TaskOptions.named("completed"));
            completed.complete(6);
            assertThat(Traced.text(traced.only("completed"), "sennit.task.outcome")).isEqualTo("succeeded");
        }
    }

    @Test
    void aTaskWithARetryHasOneSpan() {
        var attempts = new AtomicInteger();
        try (var traced = new Traced(); Pool pool = Pools.open("threads:1"); var _ = traced.order().makeCurrent()) {
            pool.submit(() -> {
                traced.tracer().spanBuilder("attempt").startSpan().end();
                if (attempts.incrementAndGet() < 3) {
                    throw new IOException();
                }
                return 5;
            }, TaskOptions.named("retried").retry(Retry.attempts(3))).join();
            SpanData span = traced.only("retried");
            assertThat(Traced.text(span, "sennit.task.outcome")).isEqualTo("succeeded");
            assertThat(traced.named("attempt")).hasSize(3)
                    .allSatisfy(attempt -> assertThat(attempt.getParentSpanId()).isEqualTo(span.getSpanId()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:2", "virtual", "loop"})
    void allFormsOfTasksHaveSpansOfTheirOwn(String plan) throws Exception {
        Pool pool = Pools.open(plan);
        try (var traced = new Traced()) {
            try (pool; var _ = traced.order().makeCurrent()) {
                assertThat(pool.map(n -> n + 1, List.of(1, 2, 3))).containsExactly(2, 3, 4);
                assertThat(pool.mapAsync(n -> n + 1, List.of(1, 2, 3)).get()).containsExactly(2, 3, 4);
                try (var scope = TaskScope.open(pool)) {
                    scope.fork(() -> 5);
                    scope.join();
                }
                var run = new CountDownLatch(1);
                pool.execute(() -> run.countDown());
                run.await();
            }
            assertThat(traced.ended()).hasSize((int) pool.statistics().submitted())
                    .allSatisfy(span -> assertThat(span.getParentSpanId())
                            .isEqualTo(traced.order().getSpanContext().getSpanId()));
        }
    }

    @Test
    void everySpanEndsHoweverItsTaskDoes() {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        try (var traced = new Traced()) {
            long expected = 0;
            for (String plan : List.of("threads:2?backlog=3&full=reject&unasked=off",
                    "virtual:2?backlog=3&full=reject&unasked=off",
                    "loop?unasked=off")) {
                Pool pool = Pools.open(plan);
                List<TaskFuture<?>> futures = new ArrayList<>();
                int submissions = 2000;
                for (int i = 0; i < submissions; i++) {
                    int ends = random.nextInt(4);
                    TaskOptions options = switch (random.nextInt(4)) {
                        case 0 -> TaskOptions.NONE.retry(Retry.attempts(2));
                        case 1 -> TaskOptions.timeLimit(Duration.ofNanos(1 + random.nextInt(2_000_000)));
                        default -> TaskOptions.NONE;
                    };
                    try {
                        futures.add(pool.submit(() -> end(ends), options));
                    } catch (RejectedSubmissionException e) {
                        // it has a span, too
                    }
                    if (!futures.isEmpty() && random.nextBoolean()) {
                        futures.get(random.nextInt(futures.size())).cancel(random.nextBoolean());
                    }
                    if (i == submissions - 50) {
                        pool.shutdownNow();
                    }
                }
                pool.close();
                expected += submissions;
            }
            assertThat(traced.open()).as("seed %s", seed).containsExactly(
                    "order " + traced.order().getSpanContext().getSpanId());
            assertThat(traced.ended().size()).as("seed %s", seed).isEqualTo((int) expected);
        }
    }

    private static int end(int how) throws IOException, InterruptedException {
        return switch (how) {
            case 0 -> throw new IOException();
            case 1 -> throw new CancellationException();
            case 2 -> {
                for (int i = 0; i < 1000; i++) {
                    if (Thread.interrupted()) {
                        throw new InterruptedException();
                    }
                    Thread.onSpinWait();
                }
                yield 1;
            }
            default -> 2;
        };
    }

    private static Span remote() {
        return Span.wrap(SpanContext.create("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7",
                TraceFlags.getSampled(), TraceState.getDefault()));
    }

    @Test
    void withoutAnSdkTheContextIsCarriedAllTheSame() {
        try (Pool pool = Pools.open("threads:1");
                var _ = TaskContext.register(TaskTracing.spans(OpenTelemetry.noop()))) {
            try (var _ = remote().makeCurrent()) {
                assertThat(pool.submit(() -> Span.current().getSpanContext().getSpanId()).join())
                        .isEqualTo("00f067aa0ba902b7");
            }
            assertThat(pool.submit(() -> Span.current().getSpanContext().isValid()).join()).isFalse();
        }
    }

    @Test
    void contextOnlyMakesNoSpans() {
        try (Pool pool = Pools.open("threads:1");
                var _ = TaskContext.register(TaskTracing.contextOnly());
                var _ = remote().makeCurrent()) {
            assertThat(pool.submit(() -> Span.current().getSpanContext().getSpanId()).join())
                    .isEqualTo("00f067aa0ba902b7");
        }
    }
}
