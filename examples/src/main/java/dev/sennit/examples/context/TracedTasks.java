package dev.sennit.examples.context;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskContext;
import dev.sennit.opentelemetry.TaskTracing;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import java.util.List;

/**
 * OpenTelemetry's current span goes along with tasks of every kind, so that spans which they start belong to the trace
 * of their submitter, in a worker process too.
 */
public final class TracedTasks {
    private TracedTasks() {}

    public static void main(String[] arguments) {
        Span request = Span.wrap(SpanContext.create( // of a tracer, in a program that has one
                "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", TraceFlags.getSampled(),
                TraceState.getDefault()));
        try (var _ = TaskContext.register(TaskTracing.contextOnly());
                var _ = request.makeCurrent()) {
            for (String plan : List.of("threads:1", "virtual", "loop", "processes:1")) {
                try (Pool pool = Pools.open(plan)) {
                    System.out.println(
                            pool.submit(() -> Span.current().getSpanContext().getTraceId()).join() + " on " + plan);
                }
            }
        }
    }
}
