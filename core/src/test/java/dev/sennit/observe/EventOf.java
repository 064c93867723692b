package dev.sennit.observe;

import dev.sennit.observe.TaskEvent.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Makes events of a task. */
final class EventOf {
    static final Instant START = Instant.parse("2026-11-24T12:00:00Z");

    private final long task;
    private final String pool;
    private final String name;

    EventOf(long task, String pool, String name) {
        this.task = task;
        this.pool = pool;
        this.name = name;
    }

    TaskEvent submitted(long micros) {
        return event(Kind.SUBMITTED, micros, null, null, null, null);
    }

    TaskEvent begun(long micros, long waitedMicros, @Nullable String worker) {
        return event(Kind.BEGUN, micros, waitedMicros, null, worker, null);
    }

    TaskEvent ended(Kind kind, long micros, @Nullable Long ranMicros, @Nullable String failure) {
        return event(kind, micros, null, ranMicros, null, failure);
    }

    TaskEvent other(Kind kind, long micros) {
        return event(kind, micros, null, null, null, null);
    }

    TaskEvent progress(long micros, long done, OptionalLong total, String message) {
        return new TaskEvent(
                Kind.PROGRESS, task, pool, name, START.plusNanos(micros * 1000), Optional.empty(), Optional.empty(),
                Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.of(new TaskEvent.Progress(done, total, message)));
    }

    /** Makes an event of a service's worker, or of the service if the worker is null. */
    static TaskEvent service(Kind kind, long micros, String service, @Nullable String worker, @Nullable String why) {
        return new TaskEvent(
                kind, 0, service, "", START.plusNanos(micros * 1000), Optional.empty(), Optional.empty(),
                Optional.empty(), Optional.ofNullable(worker), Optional.ofNullable(why), Optional.empty());
    }

    private TaskEvent event(
            Kind kind, long micros, @Nullable Long waited, @Nullable Long ran, @Nullable String worker,
            @Nullable String failure) {
        return new TaskEvent(
                kind, task, pool, name, START.plusNanos(micros * 1000), micros(waited), micros(ran),
                Optional.empty(), Optional.ofNullable(worker), Optional.ofNullable(failure), Optional.empty());
    }

    private static Optional<Duration> micros(@Nullable Long micros) {
        return micros == null ? Optional.empty() : Optional.of(Duration.ofNanos(micros * 1000));
    }
}
