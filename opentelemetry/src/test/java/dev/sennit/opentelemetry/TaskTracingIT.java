package dev.sennit.opentelemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Traces that go into real worker processes. */
class TaskTracingIT {
    /** Of a worker. */
    private static final InMemorySpanExporter EXPORTED = InMemorySpanExporter.create();

    private static void setUpSdk() {
        OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .addSpanProcessor(SimpleSpanProcessor.create(EXPORTED))
                        .build())
                .buildAndRegisterGlobal();
    }

    private static String traceAndBaggage() {
        var span = Span.current().getSpanContext();
        return span.getTraceId() + " " + span.getSpanId() + " " + span.isRemote() + " "
                + Baggage.current().getEntryValue("shop");
    }

    @ParameterizedTest
    @ValueSource(strings = {"processes:1", "processes:1?transport=socket"})
    void theContextArrivesInAWorkerWithoutAnSdk(String plan) {
        try (var traced = new Traced(); Pool pool = Pools.open(plan)) {
            Context here = Context.root().with(traced.order())
                    .with(Baggage.builder().put("shop", "north").build());
            String seen;
            try (var _ = here.makeCurrent()) {
                seen = pool.submit(() -> traceAndBaggage(), TaskOptions.named("answer")).join();
            }
            SpanData span = traced.only("answer");
            assertThat(seen).isEqualTo(span.getTraceId() + " " + span.getSpanId() + " true north");
            assertThat(span.getParentSpanId()).isEqualTo(traced.order().getSpanContext().getSpanId());
            assertThat(Traced.text(span, "sennit.pool.kind")).isEqualTo("processes");
            assertThat(Traced.text(span, "sennit.worker.name"))
                    .contains("pid " + pool.statistics().workerPids().getFirst());
            assertThat(Traced.number(span, "sennit.task.wait")).isNotNegative();
            assertThat(pool.submit(() -> Context.current() == Context.root()
                    ? "nothing"
                    : Baggage.current().asMap().toString()).join()).as("of a task of another trace").isEqualTo("{}");
        }
    }

    private static List<String> spanOfWorker() {
        GlobalOpenTelemetry.getTracer("worker").spanBuilder("in worker").startSpan().end();
        SpanData span = EXPORTED.getFinishedSpanItems().getLast();
        return List.of(span.getTraceId(), span.getParentSpanId(), "" + span.getParentSpanContext().isRemote());
    }

    @Test
    void aSpanOfAWorkerIsBelowThatOfItsTask() {
        try (var traced = new Traced();
                Pool pool = ProcessPool.builder().workers(1).initializer(TaskTracingIT::setUpSdk).open();
                var _ = traced.order().makeCurrent()) {
            List<String> seen = pool.submit(() -> spanOfWorker(), TaskOptions.named("answer")).join();
            SpanData span = traced.only("answer");
            assertThat(seen).containsExactly(traced.order().getSpanContext().getTraceId(), span.getSpanId(), "true");
            assertThat(traced.named("in worker")).as("it is another process").isEmpty();
            assertThat(pool.map(n -> spanOfWorker().getFirst(), List.of(1, 2)))
                    .containsOnly(traced.order().getSpanContext().getTraceId());
        }
    }

    @Test
    void aLostWorkerEndsTheSpanOfItsTask() {
        try (var traced = new Traced(); Pool pool = Pools.open("processes:1"); var _ = traced.order().makeCurrent()) {
            TaskFuture<?> lost = pool.submit(() -> Runtime.getRuntime().halt(3), TaskOptions.named("lost"));
            assertThat(lost.<Object>handle((_, failure) -> failure).join()).isInstanceOf(WorkerCrashedException.class);
            SpanData span = traced.only("lost");
            assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
            assertThat(span.getStatus().getDescription()).contains("exited with code 3");
            assertThat(Traced.text(span, "error.type")).isEqualTo(WorkerCrashedException.class.getName());
            assertThat(Traced.text(span, "sennit.worker.name")).contains("pid ");
        }
    }

    private static int blocked() throws InterruptedException {
        new CountDownLatch(1).await();
        return 0;
    }

    @Test
    void whatIsSentAheadStoppedAndCancelledHasEndedSpans() {
        try (var traced = new Traced()) {
            try (Pool pool = Pools.open("processes:1"); var _ = traced.order().makeCurrent()) {
                var limit = TaskOptions.timeLimit(Duration.ofMillis(200)).name("slow");
                TaskFuture<?> slow = pool.submit(() -> blocked(), limit);
                List<TaskFuture<Integer>> ahead = List.of(
                        pool.submit(() -> 1, TaskOptions.named("ahead")),
                        pool.submit(() -> 2, TaskOptions.named("ahead")));
                TaskFuture<Integer> cancelled = pool.submit(() -> 3, TaskOptions.named("cancelled"));
                cancelled.cancel(true);
                assertThat(slow.<Object>handle((_, failure) -> failure).join()).isInstanceOf(TimeoutException.class);
                ahead.forEach(TaskFuture::join);
                assertThat(traced.named("ahead")).hasSize(2);
                assertThat(Traced.text(traced.only("cancelled"), "sennit.task.outcome")).isEqualTo("cancelled");
                assertThat(Traced.text(traced.only("slow"), "sennit.task.outcome")).isEqualTo("failed");
                pool.submit(() -> blocked());
                pool.submit(() -> blocked());
                pool.shutdownNow();
            }
            assertThat(traced.open()).containsExactly("order " + traced.order().getSpanContext().getSpanId());
        }
    }

    private static int halted(int n) {
        if (n % 7 == 0) {
            Runtime.getRuntime().halt(1);
        }
        return n;
    }

    @Test
    void everySpanEndsWhileWorkersDie() {
        int tasks = 60;
        try (var traced = new Traced()) {
            try (Pool pool = Pools.open("processes:2?unasked=off"); var _ = traced.order().makeCurrent()) {
                for (int i = 0; i < tasks; i++) {
                    int number = i;
                    pool.submit(() -> halted(number));
                }
            }
            assertThat(traced.open()).containsExactly("order " + traced.order().getSpanContext().getSpanId());
            assertThat(traced.ended()).hasSize(tasks);
        }
    }
}
