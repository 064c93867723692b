package dev.sennit.cli.programs;

import dev.sennit.TaskFuture;
import java.util.Iterator;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Submits tasks from a source of any length, and returns each future as soon as it is done.
 *
 * <p>A thread of its own submits, so that a source that waits for typed input does not hold up results, and so that
 * even {@code inline}, which runs a task within its submission, shows one result after the other. At most a window of
 * tasks is under way or done and not yet taken: memory stays bounded.
 *
 * @param <T> the type of the results
 */
final class TaskFlow<T> {
    private sealed interface Event<T> {
        /** A future is done. */
        record Done<T>(TaskFuture<T> future) implements Event<T> {}

        /** The source has no more tasks, or has failed. */
        record End<T>(long submitted, @Nullable Throwable failure) implements Event<T> {}
    }

    private final BlockingQueue<Event<T>> events = new LinkedBlockingQueue<>();
    private final Semaphore window;
    /** Only the consumer. */
    private long taken;
    /** Only the consumer. */
    private Event.@Nullable End<T> end;

    private TaskFlow(int window) {
        this.window = new Semaphore(window);
    }

    /**
     * Starts to submit.
     *
     * @param source an item for each task; read only by the submitting thread
     * @param submit submits a task for an item
     * @param window how many tasks may be under way or done and not taken
     */
    static <S, T> TaskFlow<T> start(Iterator<S> source, Function<S, TaskFuture<T>> submit, int window) {
        var flow = new TaskFlow<T>(window);
        Thread.ofPlatform().daemon().name("sennit-submit").start(() -> flow.submitAll(source, submit));
        return flow;
    }

    private <S> void submitAll(Iterator<S> source, Function<S, TaskFuture<T>> submit) {
        long submitted = 0;
        Throwable failure = null;
        try {
            while (source.hasNext()) {
                S item = source.next();
                window.acquire();
                TaskFuture<T> future = submit.apply(item);
                submitted++;
                future.whenComplete((value, thrown) -> events.add(new Event.Done<>(future)));
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            failure = e;
        }
        events.add(new Event.End<>(submitted, failure));
    }

    /**
     * Waits for the next future to be done.
     *
     * @return the future, or empty when there are no more
     * @throws InterruptedException if interrupted
     * @throws RuntimeException the failure of the source or {@code submit}, once all futures before it were returned
     */
    Optional<TaskFuture<T>> next() throws InterruptedException {
        while (end == null || taken < end.submitted()) {
            switch (events.take()) {
                case Event.Done<T>(TaskFuture<T> future) -> {
                    taken++;
                    window.release();
                    return Optional.of(future);
                }
                case Event.End<T> last -> end = last;
            }
        }
        switch (end.failure()) {
            case null -> {
                return Optional.empty();
            }
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }
}
