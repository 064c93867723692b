package dev.sennit.server.rest;

import dev.sennit.Pool;
import dev.sennit.Task;
import dev.sennit.TaskFunction;
import dev.sennit.TaskFuture;
import dev.sennit.TaskMessages;
import dev.sennit.TaskOptions;
import dev.sennit.observe.TaskEvent;
import dev.sennit.observe.TaskEvents;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Jobs in memory, run by a pool of any kind. A job is a task that is named after its id, by which the events of its
 * progress are found; it sends a message when it begins, which cannot be missed as an event can.
 */
final class PoolJobStore<A, R extends @Nullable Object> implements JobStore<A, R>, AutoCloseable {
    private static final Logger LOGGER = System.getLogger("dev.sennit.server");
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int BYTES_OF_ID = 16;
    private static final String NAME = "job ";
    private static final byte[] BEGUN = {1};
    private static final int LONGEST_FAILURE = 500;

    private final Pool pool;
    private final TaskFunction<A, R> function;
    private final JobLimits limits;
    private final LongSupplier nanos;
    private final TaskEvents.Listening events;

    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. By id: those that wait or run. */
    private final Map<String, Entry<R>> active = new HashMap<>();
    /** Guarded by lock. By id, in the order of their ends. */
    private final Map<String, Entry<R>> ended = new LinkedHashMap<>();
    /** Guarded by lock. The jobs that are there, by the keys of their requests. */
    private final Map<String, Entry<R>> byKey = new HashMap<>();

    private static final class Entry<R extends @Nullable Object> {
        private final String id;
        private final @Nullable IdempotencyKey key;
        /** Null until the pool has it. */
        private volatile @Nullable TaskFuture<R> future;
        private volatile boolean isCancelled;
        private volatile boolean hasBegun;
        private volatile @Nullable JobProgress progress;
        /** Written before it is among the ended. */
        private long endedAt;

        Entry(String id, @Nullable IdempotencyKey key) {
            this.id = id;
            this.key = key;
        }
    }

    PoolJobStore(Pool pool, TaskFunction<A, R> function, JobLimits limits, LongSupplier nanos) {
        this.pool = pool;
        this.function = function;
        this.limits = limits;
        this.nanos = nanos;
        events = TaskEvents.listen(this::hear);
    }

    @Override
    public JobSubmission submit(A argument, @Nullable IdempotencyKey key) {
        Entry<R> entry = new Entry<>(newId(), key);
        lock.lock();
        try {
            forgetOld();
            Entry<R> known = key == null ? null : byKey.get(key.key());
            if (known != null && known.key != null) {
                if (known.future == null && known.key.equals(key)) { // it may still be refused
                    throw new RejectedExecutionException("the first request with this key has not been taken yet");
                }
                return new JobSubmission(known.id, known.key.equals(key)
                        ? JobSubmission.Outcome.KNOWN
                        : JobSubmission.Outcome.CONFLICT);
            }
            if (active.size() >= limits.active()) {
                throw new RejectedExecutionException("there are " + active.size() + " jobs already");
            }
            active.put(entry.id, entry);
            if (key != null) {
                byKey.put(key.key(), entry);
            }
        } finally {
            lock.unlock();
        }
        boolean isSubmitted = false;
        try {
            TaskFuture<R> future = pool.submit(
                    new JobTask<>(function, argument),
                    TaskOptions.named(NAME + entry.id).onMessage(_ -> entry.hasBegun = true));
            entry.future = future;
            if (entry.isCancelled) { // since it was put among the others
                future.cancel(true);
            }
            future.onDone(_ -> end(entry));
            isSubmitted = true;
        } finally {
            if (!isSubmitted) {
                remove(entry);
            }
        }
        return new JobSubmission(entry.id, JobSubmission.Outcome.NEW);
    }

    private static String newId() {
        byte[] bytes = new byte[BYTES_OF_ID];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private void hear(TaskEvent event) {
        if (event.progress().isEmpty() || !event.name().startsWith(NAME) || !event.pool().equals(pool.name())) {
            return;
        }
        Entry<R> entry = entry(event.name().substring(NAME.length()));
        if (entry != null) {
            TaskEvent.Progress progress = event.progress().get();
            entry.progress = new JobProgress(progress.done(), progress.total(), progress.message());
        }
    }

    private @Nullable Entry<R> entry(String id) {
        lock.lock();
        try {
            forgetOld();
            Entry<R> entry = active.get(id);
            return entry == null ? ended.get(id) : entry;
        } finally {
            lock.unlock();
        }
    }

    private void end(Entry<R> entry) {
        lock.lock();
        try {
            active.remove(entry.id);
            entry.endedAt = nanos.getAsLong();
            ended.put(entry.id, entry);
            forgetOld();
        } finally {
            lock.unlock();
        }
        Job<R> job = job(entry);
        if (job.state() == JobState.FAILED) {
            LOGGER.log(Level.ERROR, "{0}{1} failed: {2}", NAME, entry.id, job.failure());
        }
    }

    private void remove(Entry<R> entry) {
        lock.lock();
        try {
            active.remove(entry.id);
            if (entry.key != null) {
                byKey.remove(entry.key.key(), entry);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Only with the lock. */
    private void forgetOld() {
        long now = nanos.getAsLong();
        Iterator<Entry<R>> oldest = ended.values().iterator();
        while (oldest.hasNext()) {
            Entry<R> entry = oldest.next();
            if (ended.size() <= limits.ended() && now - entry.endedAt < limits.keep().toNanos()) {
                return;
            }
            oldest.remove();
            if (entry.key != null) {
                byKey.remove(entry.key.key(), entry);
            }
        }
    }

    @Override
    public Optional<Job<R>> find(String id) {
        return Optional.ofNullable(entry(id)).map(this::job);
    }

    @Override
    public Optional<Job<R>> cancel(String id) {
        Entry<R> entry = entry(id);
        if (entry == null) {
            return Optional.empty();
        }
        entry.isCancelled = true; // before the look at the future, which the submitter sets before it looks here
        TaskFuture<R> future = entry.future;
        if (future != null) {
            future.cancel(true);
        }
        return Optional.of(job(entry));
    }

    private Job<R> job(Entry<R> entry) {
        Optional<JobProgress> progress = Optional.ofNullable(entry.progress);
        TaskFuture<R> future = entry.future;
        if (future == null || !future.isDone()) {
            JobState state = future == null && entry.isCancelled
                    ? JobState.CANCELLED
                    : entry.hasBegun ? JobState.RUNNING : JobState.QUEUED;
            return new Job<>(entry.id, state, progress, null, null);
        }
        try {
            return new Job<>(entry.id, JobState.SUCCEEDED, progress, future.join(), null);
        } catch (CancellationException e) {
            return new Job<>(entry.id, JobState.CANCELLED, progress, null, null);
        } catch (CompletionException e) {
            return new Job<>(entry.id, JobState.FAILED, progress, null, failure(e.getCause()));
        }
    }

    private static String failure(@Nullable Throwable cause) {
        String text = text(cause);
        String line = text.lines().findFirst().orElse("");
        return line.length() <= LONGEST_FAILURE ? line : line.substring(0, LONGEST_FAILURE);
    }

    private static String text(@Nullable Throwable cause) {
        if (cause == null) {
            return "no cause";
        }
        try {
            return String.valueOf(cause.getMessage() == null ? cause.toString() : cause.getMessage());
        } catch (RuntimeException | Error e) { // code of users
            return cause.getClass().getName();
        }
    }

    /** Hears no more of progress; jobs go on. */
    @Override
    public void close() {
        events.close();
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "jobs on " + pool.name() + ", " + active.size() + " active, " + ended.size() + " ended";
        } finally {
            lock.unlock();
        }
    }

    /** A job as it travels to a worker. */
    private record JobTask<A, R extends @Nullable Object>(TaskFunction<A, R> function, A argument) implements Task<R> {
        private static final long serialVersionUID = 1L;

        @Override
        public R call() throws Exception {
            TaskMessages.send(BEGUN);
            return function.call(argument);
        }
    }
}
