package dev.sennit.opentelemetry;

import dev.sennit.TaskTracker;
import dev.sennit.observe.OpenPool;
import dev.sennit.observe.TaskEvents;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.io.Serializable;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Carries the current context, and makes a span for each task. */
final class TaskSpans implements TaskTracker<Carried>, Serializable {
    private static final long serialVersionUID = 1L;

    private static final AttributeKey<String> POOL = AttributeKey.stringKey("sennit.pool.name");
    private static final AttributeKey<String> KIND = AttributeKey.stringKey("sennit.pool.kind");
    private static final AttributeKey<String> WORKER = AttributeKey.stringKey("sennit.worker.name");
    private static final AttributeKey<Double> WAIT = AttributeKey.doubleKey("sennit.task.wait");
    private static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("sennit.task.outcome");
    private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
    private static final AttributeKey<String> EXCEPTION = AttributeKey.stringKey("exception.type");
    private static final AttributeKey<String> MESSAGE = AttributeKey.stringKey("exception.message");

    /** Of a message: what the filter looks at, and a backend may take. */
    private static final int LONGEST_TEXT = 2000;
    private static final double NANOS = TimeUnit.SECONDS.toNanos(1);

    private final transient Tracer tracer;

    TaskSpans(Tracer tracer) {
        this.tracer = tracer;
    }

    /** There is no tracer in a worker process, and no task to be followed. */
    private Object writeReplace() {
        return ContextOnly.INSTANCE;
    }

    @Override
    public @Nullable Carried capture() {
        return ContextOnly.INSTANCE.capture();
    }

    @Override
    public @Nullable Carried capture(Submitted task) {
        Context here = Context.current();
        Span span = tracer.spanBuilder(TaskEvents.filtered(shortened(task.name())))
                .setParent(here)
                .setAttribute(POOL, task.pool().name())
                .setAttribute(KIND, OpenPool.kindOf(task.pool()))
                .startSpan();
        boolean carriesNothing = here == Context.root() && !span.getSpanContext().isValid();
        return carriesNothing ? null : new Carried.Here(here.with(span));
    }

    @Override
    public <T extends @Nullable Object> T around(Carried captured, Callable<T> body) throws Exception {
        return ContextOnly.INSTANCE.around(captured, body);
    }

    @Override
    public void ended(Carried captured, End end) {
        if (!(captured instanceof Carried.Here here)) {
            return; // not in the JVM of the submitter
        }
        Span span = here.span();
        try {
            if (span.isRecording()) {
                describe(span, end);
            }
        } finally {
            span.end();
        }
    }

    private static void describe(Span span, End end) {
        span.setAttribute(OUTCOME, end.outcome().name().toLowerCase(Locale.ROOT));
        end.waited().ifPresent(time -> span.setAttribute(WAIT, seconds(time)));
        end.worker().ifPresent(worker -> span.setAttribute(WORKER, worker));
        end.failure().ifPresent(failure -> {
            String type = failure.getClass().getName();
            String message = TaskEvents.filtered(shortened(text(failure)));
            span.setAttribute(ERROR, type);
            span.addEvent("exception", Attributes.of(EXCEPTION, type, MESSAGE, message)); // a stack has messages too
            span.setStatus(StatusCode.ERROR, message);
        });
    }

    private static double seconds(Duration time) {
        return time.getSeconds() + time.getNano() / NANOS;
    }

    private static String text(Throwable failure) {
        try {
            String text = failure.getMessage();
            return text == null ? "" : text;
        } catch (RuntimeException | Error e) { // code of a user
            return "";
        }
    }

    private static String shortened(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT);
    }
}
