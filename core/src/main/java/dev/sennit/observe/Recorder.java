package dev.sennit.observe;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.observe.TaskEvent.Kind;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Writes the events of tasks, workers, pools and services into one ring. A recorder is the observer of this JVM while a
 * stream of events is open. Otherwise there is no ring, and no events are written.
 */
final class Recorder implements TaskObserver {
    /** The number of places of the ring, which takes 5 MB. */
    static final int CAPACITY = 1 << 16;

    /** The most characters of a name or a message that are kept, which bounds the memory of the ring. */
    private static final int LONGEST_TEXT = 2000;

    /** The time of an event for which the clock has not been read. */
    private static final long NOW = Long.MIN_VALUE;

    /** The task number of events that belong to no task. */
    static final long NO_TASK = 0;

    /** Guarded by the class. */
    private static int streams;
    /** Guarded by the class. Null while no stream is open. */
    private static @Nullable Recorder current;

    private final EventRing ring = new EventRing(CAPACITY);
    private final long startNanos = Backend.current().nanoTime();
    private final Instant start = Backend.current().now();

    private Recorder() {}

    /**
     * Returns the recorder of this JVM, and starts it for the first stream. Each caller calls {@link #release} later.
     */
    static synchronized Recorder acquire() {
        Recorder recorder = current;
        if (recorder == null) {
            recorder = new Recorder();
            current = recorder;
            TaskObserver.Current.set(recorder);
        }
        streams++;
        return recorder;
    }

    /** Releases the recorder, and stops it with the last stream. */
    static synchronized void release() {
        if (--streams == 0) {
            TaskObserver.Current.set(null);
            current = null;
        }
    }

    EventRing ring() {
        return ring;
    }

    /** Returns the wall-clock time of an event, by the setting of the clock at the start of the recording. */
    Instant instant(long nanoTime) {
        return start.plusNanos(nanoTime - startNanos);
    }

    /** Writes an event, or drops it if there is no memory or stack for it: recording must not fail the task. */
    private void write(
            Kind kind, long task, String pool, Object named, long first, long second, @Nullable String detail) {
        write(kind, task, pool, named, NOW, first, second, detail);
    }

    private void write(
            Kind kind, long task, String pool, Object named, long at, long first, long second,
            @Nullable String detail) {
        try {
            Object name = named instanceof String text ? shortened(text) : named;
            String text = detail == null ? null : shortened(detail);
            long time = at == NOW ? Backend.current().nanoTime() : at;
            ring.write(kind, task, time, first, second, pool, name, text);
        } catch (Throwable e) {
            // readers count the event as missed, or do not notice it
        }
    }

    private void write(Kind kind, String pool, @Nullable String worker, @Nullable String why) {
        try {
            String text = why == null ? null : shortened(why);
            ring.write(kind, NO_TASK, Backend.current().nanoTime(), UNKNOWN, UNKNOWN, pool, worker, text);
        } catch (Throwable e) {
            // as above
        }
    }

    private static @Nullable String text(@Nullable Throwable failure) {
        try {
            return failure == null ? null : shortened(Throwables.text(failure));
        } catch (Throwable e) { // no memory
            return null;
        }
    }

    private static String shortened(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT);
    }

    @Override
    public void submitted(long task, String pool, Object named) {
        write(Kind.SUBMITTED, task, pool, named, UNKNOWN, UNKNOWN, null);
    }

    @Override
    public void begun(long task, String pool, Object named, long now, long waitedNanos, @Nullable String worker) {
        write(Kind.BEGUN, task, pool, named, now, waitedNanos, UNKNOWN, worker);
    }

    @Override
    public void handedBack(long task, String pool, Object named) {
        write(Kind.HANDED_BACK, task, pool, named, UNKNOWN, UNKNOWN, null);
    }

    @Override
    public void retried(long task, String pool, Object named) {
        write(Kind.RETRIED, task, pool, named, UNKNOWN, UNKNOWN, null);
    }

    @Override
    public void ended(long task, String pool, Object named, Outcome outcome, long ranNanos, long cpuNanos,
            @Nullable Throwable failure) {
        Kind kind = switch (outcome) {
            case SUCCEEDED -> Kind.SUCCEEDED;
            case FAILED -> Kind.FAILED;
            case CANCELLED -> Kind.CANCELLED;
        };
        write(kind, task, pool, named, ranNanos, cpuNanos, text(failure));
    }

    @Override
    public void runOver(long task, String pool, Object named, long ranNanos, long cpuNanos) {
        write(Kind.RUN_OVER, task, pool, named, ranNanos, cpuNanos, null);
    }

    @Override
    public void progress(long task, String pool, Object named, long done, long total, String message) {
        write(Kind.PROGRESS, task, pool, named, done, total, message);
    }

    @Override
    public void poolOpened(String pool) {
        write(Kind.POOL_OPENED, pool, null, null);
    }

    @Override
    public void poolClosed(String pool) {
        write(Kind.POOL_CLOSED, pool, null, null);
    }

    @Override
    public void workerStarted(String pool, String worker) {
        write(Kind.WORKER_STARTED, pool, worker, null);
    }

    @Override
    public void workerEnded(String pool, String worker, @Nullable String why) {
        write(Kind.WORKER_ENDED, pool, worker, why);
    }

    @Override
    public void service(ServiceStep step, String name, @Nullable String worker, @Nullable String why) {
        Kind kind = switch (step) {
            case STARTED -> Kind.SERVICE_STARTED;
            case READY -> Kind.SERVICE_READY;
            case STOPPING -> Kind.SERVICE_STOPPING;
            case STOPPED -> Kind.SERVICE_STOPPED;
            case KILLED -> Kind.SERVICE_KILLED;
            case DIED -> Kind.SERVICE_DIED;
            case DONE -> Kind.SERVICE_DONE;
            case GIVEN_UP -> Kind.SERVICE_GIVEN_UP;
            case FAILED -> Kind.SERVICE_FAILED;
            case RELOADING -> Kind.SERVICE_RELOADING;
            case MANAGER_STARTED -> Kind.MANAGER_STARTED;
            case MANAGER_ENDED -> Kind.MANAGER_ENDED;
        };
        write(kind, name, worker, why);
    }
}
