package dev.sennit;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.ToLongFunction;

/**
 * A pool without threads: tasks lie in a queue until the test runs them, or waits for one, and the time an item of
 * {@code map} takes is what the test says.
 */
class FakePool extends AbstractPool {
    final Deque<Submission<?>> queue = new ArrayDeque<>();
    final List<Submission<?>> stopped = new ArrayList<>();
    final List<Submission<?>> forgotten = new ArrayList<>();
    /** The sizes of the chunks that were submitted. */
    final List<Integer> chunks = new ArrayList<>();

    int released;
    boolean onWorker;
    Duration chunkTime = Duration.ZERO;
    /** How long each item of a chunk is said to have taken. */
    ToLongFunction<Chunk<?, ?>> nanosPerItem = chunk -> 1;

    FakePool(int workers) {
        super(new Settings(), workers);
    }

    FakePool(int workers, int backlog, BacklogPolicy whenFull) {
        super(new Settings().backlog(backlog).whenFull(whenFull), workers);
    }

    private static final class Settings extends PoolBuilder<Settings> {
        Settings() {
            super("fake");
        }

        @Override
        protected Settings self() {
            return this;
        }

        @Override
        protected void planArgument(String count) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Pool open() {
            throw new UnsupportedOperationException();
        }
    }

    /** A task that is taken in and lies in no queue: the test starts it, or ends it. */
    @SuppressWarnings("unchecked") // it is the one that was just submitted
    <T> Submission<T> taken(Task<T> body, TaskOptions options) {
        submit(body, options);
        return (Submission<T>) queue.removeLast();
    }

    <T> Submission<T> taken(Task<T> body) {
        return taken(body, TaskOptions.NONE);
    }

    /** Runs the oldest task in the queue. */
    void runNext() {
        queue.removeFirst().run();
    }

    void runAll() {
        while (!queue.isEmpty()) {
            runNext();
        }
    }

    @Override
    protected <T> Submission<T> newSubmission(Callable<T> body, TaskOptions options) {
        if (body instanceof Chunk<?, ?> chunk) {
            chunks.add(chunk.items().size());
            return super.newSubmission(() -> timed(body, chunk), options);
        }
        return super.newSubmission(body, options);
    }

    @SuppressWarnings("unchecked") // a chunk's result is an Outcome
    private <T> T timed(Callable<T> body, Chunk<?, ?> chunk) throws Exception {
        var outcome = (Chunk.Outcome<?>) body.call();
        return (T) new Chunk.Outcome<>(outcome.values(), nanosPerItem.applyAsLong(chunk) * chunk.items().size());
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        queue.addLast(submission);
    }

    @Override
    protected Collection<Submission<?>> held() {
        return List.copyOf(queue);
    }

    @Override
    protected boolean onWorker() {
        return onWorker;
    }

    /** Whoever waits for a task runs what is queued, up to that one. */
    @Override
    protected void aboutToWait(Submission<?> submission) {
        while (submission.isQueued() && !queue.isEmpty()) {
            runNext();
        }
    }

    @Override
    protected void stop(Submission<?> submission) {
        stopped.add(submission);
        super.stop(submission);
    }

    @Override
    protected void forget(Submission<?> submission) {
        forgotten.add(submission);
    }

    @Override
    protected void releaseWorkers() {
        released++;
        workersReleased();
    }

    @Override
    protected int aliveWorkers() {
        return workers();
    }

    @Override
    protected Duration chunkTime() {
        return chunkTime;
    }
}
