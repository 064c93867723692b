package dev.sennit.opentelemetry;

import dev.sennit.TaskContext;
import dev.sennit.TaskContext.Registration;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** An SDK for a test, with tracing of tasks registered, and a current span of the submitter. */
final class Traced implements AutoCloseable {
    private final InMemorySpanExporter exporter = InMemorySpanExporter.create();
    private final Open open = new Open();
    private final SdkTracerProvider provider = SdkTracerProvider.builder()
            .addSpanProcessor(SimpleSpanProcessor.create(exporter))
            .addSpanProcessor(open)
            .build();
    private final OpenTelemetrySdk sdk = OpenTelemetrySdk.builder().setTracerProvider(provider).build();
    private final Registration registration = TaskContext.register(TaskTracing.spans(sdk));
    private final Span order = tracer().spanBuilder("order").startSpan();

    /** The spans that have not ended. */
    private static final class Open implements SpanProcessor {
        private final Set<String> names = ConcurrentHashMap.newKeySet();

        private static String name(ReadableSpan span) {
            return span.getName() + " " + span.getSpanContext().getSpanId();
        }

        @Override
        public void onStart(Context parent, ReadWriteSpan span) {
            names.add(name(span));
        }

        @Override
        public boolean isStartRequired() {
            return true;
        }

        @Override
        public void onEnd(ReadableSpan span) {
            names.remove(name(span));
        }

        @Override
        public boolean isEndRequired() {
            return true;
        }
    }

    Tracer tracer() {
        return sdk.getTracer("test");
    }

    /** The span of the submitter. */
    Span order() {
        return order;
    }

    /** The spans that have ended, in this order. */
    List<SpanData> ended() {
        return exporter.getFinishedSpanItems();
    }

    List<SpanData> named(String name) {
        return ended().stream().filter(span -> span.getName().equals(name)).toList();
    }

    /** The only span of this name, which has ended. */
    SpanData only(String name) {
        List<SpanData> all = named(name);
        if (all.size() != 1) {
            throw new AssertionError(all.size() + " spans named " + name + " in " + ended());
        }
        return all.getFirst();
    }

    /** Spans that have begun and not ended. */
    Set<String> open() {
        return open.names;
    }

    static @Nullable String text(SpanData span, String attribute) {
        return span.getAttributes().get(AttributeKey.stringKey(attribute));
    }

    static @Nullable Double number(SpanData span, String attribute) {
        return span.getAttributes().get(AttributeKey.doubleKey(attribute));
    }

    @Override
    public void close() {
        registration.close();
        order.end();
        sdk.close();
    }
}
