package dev.sennit.examples.context;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskContext;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * OpenTelemetry's current span goes along with tasks of every kind, so that spans which they start belong to the trace
 * of their submitter, in a worker process too.
 */
public final class TracedTasks {
    private TracedTasks() {}

    /** Carries the trace in the form that services send one another: strings, which travel to processes. */
    record TraceContext() implements TaskContext<Map<String, String>>, Serializable {
        private static final long serialVersionUID = 1L;

        @Override
        public @Nullable Map<String, String> capture() {
            Map<String, String> carried = new HashMap<>();
            W3CTraceContextPropagator.getInstance().inject(Context.current(), carried,
                    (_, key, value) -> carried.put(key, value));
            return carried.isEmpty() ? null : carried;
        }

        @Override
        public <T extends @Nullable Object> T around(Map<String, String> carried, Callable<T> body) throws Exception {
            Context context =
                    W3CTraceContextPropagator.getInstance().extract(Context.current(), carried, new Entries());
            try (var _ = context.makeCurrent()) {
                return body.call();
            }
        }
    }

    /** Reads the carried strings. */
    private static final class Entries implements TextMapGetter<Map<String, String>> {
        @Override
        public Iterable<String> keys(Map<String, String> carried) {
            return carried.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Map<String, String> carried, String key) {
            return carried == null ? null : carried.get(key);
        }
    }

    public static void main(String[] arguments) {
        Span request = Span.wrap(SpanContext.create( // of a tracer, in a program that has one
                "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", TraceFlags.getSampled(),
                TraceState.getDefault()));
        try (var _ = TaskContext.register(new TraceContext());
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
