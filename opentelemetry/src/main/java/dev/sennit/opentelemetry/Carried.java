package dev.sennit.opentelemetry;

import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/** The context of a task: whole in this JVM, as headers in another. */
sealed interface Carried extends Serializable {
    TextMapPropagator W3C = TextMapPropagator.composite(
            W3CTraceContextPropagator.getInstance(), W3CBaggagePropagator.getInstance());

    TextMapGetter<Map<String, String>> HEADERS = (headers, key) -> headers == null ? null : headers.get(key);

    /** Returns the context in which the task runs. */
    Context context();

    /** In the JVM of the submitter. */
    final class Here implements Carried {
        private static final long serialVersionUID = 1L;

        private final transient Context context;

        Here(Context context) {
            this.context = context;
        }

        @Override
        public Context context() {
            return context;
        }

        /** Returns the span of the task, if one was made. */
        Span span() {
            return Span.fromContext(context);
        }

        private Object writeReplace() {
            Map<String, String> headers = new TreeMap<>();
            W3C.inject(context, headers, (_, key, value) -> headers.put(key, value));
            return new Sent(headers);
        }
    }

    /** In a worker process. */
    record Sent(Map<String, String> headers) implements Carried {
        private static final long serialVersionUID = 1L;

        @Override
        public Context context() {
            return W3C.extract(Context.current(), headers, HEADERS);
        }
    }
}
