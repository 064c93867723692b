package dev.sennit.opentelemetry;

import dev.sennit.TaskContext;
import dev.sennit.TaskTracker;
import io.opentelemetry.api.OpenTelemetry;
import java.util.Objects;

/**
 * OpenTelemetry's context for tasks on every kind of pool: it goes from the thread that submits a task to the one that
 * runs it, into worker processes too.
 *
 * {@snippet :
 * import dev.sennit.opentelemetry.TaskTracing;
 * import io.opentelemetry.api.GlobalOpenTelemetry;
 * import io.opentelemetry.api.trace.Span;
 *
 * Span order = GlobalOpenTelemetry.getTracer("shop").spanBuilder("order").startSpan();
 * try (var _ = TaskContext.register(TaskTracing.spans(GlobalOpenTelemetry.get()));
 *         Pool pool = Pools.open("processes:2");
 *         var _ = order.makeCurrent()) {
 *     pool.submit(() -> 6 * 7, TaskOptions.named("answer")).join(); // a span "answer" below "order"
 * } finally {
 *     order.end();
 * }
 * }
 *
 * <h2>Spans</h2>
 *
 * <p>A span for each task begins when the task is submitted, below the current span of the submitter, and ends before
 * the task's future is done: also if the task was refused, was cancelled before it ran, or lost its worker. A task with
 * a retry has one span, and so has each chunk of {@code map}. Spans that the task starts are below it. Names of tasks
 * and messages of failures pass the filter of {@link dev.sennit.observe.TaskEvents#filterNames}.
 *
 * <table>
 * <caption>Attributes</caption>
 * <tr><th>attribute</th><th>is</th></tr>
 * <tr><td>{@code sennit.pool.name}, {@code sennit.pool.kind}</td><td>such as {@code photos}, {@code threads}</td></tr>
 * <tr><td>{@code sennit.worker.name}</td><td>the thread, or the process with its process id, that began the task
 * last</td></tr>
 * <tr><td>{@code sennit.task.wait}</td><td>how long it has waited for a worker, in seconds; absent if none has begun
 * it</td></tr>
 * <tr><td>{@code sennit.task.outcome}</td><td>{@code succeeded}, {@code failed}, {@code cancelled} or
 * {@code refused}</td></tr>
 * <tr><td>{@code error.type}</td><td>the class of the exception of a task that failed or was refused; such a span has
 * the status {@code ERROR}</td></tr>
 * </table>
 *
 * <h2>Worker processes</h2>
 *
 * <p>There the context arrives as the headers {@code traceparent}, {@code tracestate} and {@code baggage} of the W3C;
 * other entries of the context stay behind. A worker needs no SDK for that. Spans that its tasks start are exported if
 * the pool's initializer sets up an SDK there: their parent is the task's span, which belongs to this JVM.
 */
public final class TaskTracing {
    private TaskTracing() {}

    /**
     * Returns what carries the context and makes a span for each task.
     *
     * @param telemetry gives the tracer; without an SDK behind it, the context is carried all the same
     * @return to be {@linkplain TaskContext#register registered}
     */
    public static TaskTracker<?> spans(OpenTelemetry telemetry) {
        return new TaskSpans(Objects.requireNonNull(telemetry, "telemetry").getTracer("dev.sennit"));
    }

    /**
     * Returns what carries the context and makes no spans.
     *
     * @return to be {@linkplain TaskContext#register registered}
     */
    public static TaskContext<?> contextOnly() {
        return ContextOnly.INSTANCE;
    }
}
