package dev.sennit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Items on their way through stages, each on a pool of any kind, with a bounded queue before each.
 *
 * {@snippet :
 * try (Pool readers = Pools.open("virtual:4");
 *         Pool counters = Pools.open("threads:2")) {
 *     PipelineResult<Long> counted = Pipeline.from(java.util.List.of("a rose is", "a rose"))
 *             .through("split", readers, line -> line.split(" "))
 *             .through("count", counters, words -> java.util.Arrays.stream(words).distinct().count(), stage -> stage.ahead(8))
 *             .run(count -> System.out.println(count + " different words"));
 *     System.out.println(counted.statistics().stage("count").runTime());
 * }
 * }
 *
 * <p>Which units run a stage, and how many at once, is a choice of its pool: one after another on {@code inline}, a thread an
 * item on {@code virtual}, four threads, worker processes; stages may share one. A pipeline is only a description, and does
 * not change: each method returns another, and {@link #run} runs it, as often as its source can be read.
 *
 * <h2>One thread moves the items</h2>
 *
 * <p>The thread that calls {@link #run} reads the source, hands items to the pools, takes what has ended and calls the
 * consumer; between that it waits. So source, consumer and listeners need no locks and may use what belongs to that thread.
 * While one of them takes its time, or a stage on an {@code inline} pool does, the other pools go on with what they were given,
 * and nothing moves. A source that may wait is read elsewhere: {@link #readingOn}.
 *
 * <h2>Bounded queues</h2>
 *
 * <p>An item enters a stage when fewer are in it than may be at once, first in, first out. Before it wait {@link
 * StageOptions#ahead} at most; one that finds no room there stays in the stage it comes from and keeps its place there. So a
 * slow stage slows down those before it, and the source is read only as the first stage has room: memory is bounded however
 * long the source is.
 *
 * <h2>Failures</h2>
 *
 * <p>Unless failures are {@linkplain #collectingFailures collected}, the first one cancels everything that is under way, and
 * is thrown. A failure is an item's: what the function threw; a value that cannot travel to a process; the crash of the
 * worker it ran on; a time limit; a pool that is shut down, or that refuses because it is full of the tasks of others. The
 * pools go on, and with collected failures so does the pipeline.
 *
 * <p>An {@code InterruptedException} that a function throws in the thread that runs the pipeline - of an inline pool, or of a worker
 * that runs what nobody has begun - is an interrupt of the pipeline, and ends it, whether failures are collected or not.
 *
 * <h2>Nothing is left over</h2>
 *
 * <p>When {@link #run} returns or throws - a failure, an exception of the source or of the consumer, an interrupt - every task
 * that it submitted has ended: not only its future is done, nothing of it runs any more. A task that ignores its
 * cancellation is waited for, except on kinds that isolate, where its worker is killed. The pools are not closed.
 *
 * <h2>Inside of a pool, and of a loop</h2>
 *
 * <p>No stage waits in a thread of a pool for another, so any number of them may share one, also one with a single thread.
 * A pipeline may be run by a task of a pool that it uses: a worker that would wait for tasks which nobody has begun runs them
 * itself. A coroutine that runs one suspends while it waits.
 *
 * <p><b>Memory effects</b>: what happened before {@link #run}, and what the stages before did to an item, is seen by a function
 * in this JVM. A function in another process gets a copy of the item, made when it was submitted.
 *
 * @param <S> the type of the source's items
 * @param <T> the type of what the last stage makes of them
 */
public final class Pipeline<S extends @Nullable Object, T extends @Nullable Object> {
    private static final Duration OFTEN = Duration.ofMillis(100);

    private final Settings<S> settings;
    private final List<Stage> stages;

    private Pipeline(Settings<S> settings, List<Stage> stages) {
        this.settings = settings;
        this.stages = stages;
    }

    /**
     * What all stages have in common.
     *
     * @param reader where the source is read; null for the thread that runs the pipeline
     * @param onFailure who gets failures; null to end with the first
     * @param onProgress who gets counts; null for nobody
     */
    record Settings<S extends @Nullable Object>(
            Supplier<? extends Iterator<? extends S>> source,
            @Nullable AbstractPool reader,
            @Nullable Consumer<? super PipelineFailure<S>> onFailure,
            @Nullable Consumer<? super PipelineStatistics> onProgress,
            Duration progressEvery,
            boolean inOrder,
            boolean recording) {

        Settings<S> readOn(AbstractPool pool) {
            return new Settings<>(source, pool, onFailure, onProgress, progressEvery, inOrder, recording);
        }

        Settings<S> onFailure(Consumer<? super PipelineFailure<S>> failures) {
            return new Settings<>(source, reader, failures, onProgress, progressEvery, inOrder, recording);
        }

        Settings<S> onProgress(Duration every, Consumer<? super PipelineStatistics> progress) {
            return new Settings<>(source, reader, onFailure, progress, every, inOrder, recording);
        }

        Settings<S> ordered() {
            return new Settings<>(source, reader, onFailure, onProgress, progressEvery, true, recording);
        }

        Settings<S> recorded() {
            return new Settings<>(source, reader, onFailure, onProgress, progressEvery, inOrder, true);
        }
    }

    /** What a stage is; its types are those that {@link #through} was called with. */
    record Stage(
            String name,
            AbstractPool pool,
            TaskFunction<? super @Nullable Object, ?> function,
            int atMost,
            int ahead,
            TaskOptions options) {}

    private static <S extends @Nullable Object> Pipeline<S, S> of(Supplier<? extends Iterator<? extends S>> source) {
        return new Pipeline<>(new Settings<>(source, null, null, null, OFTEN, false, false), List.of());
    }

    /**
     * A pipeline that gets its items from a collection, or whatever else can be iterated.
     *
     * @param items read anew by each run
     * @param <S> the type of an item
     * @return a pipeline without stages
     */
    public static <S extends @Nullable Object> Pipeline<S, S> from(Iterable<? extends S> items) {
        return of(Objects.requireNonNull(items, "items")::iterator);
    }

    /**
     * A pipeline that gets its items from an iterator, which may be endless.
     *
     * @param items read by the first run
     * @param <S> the type of an item
     * @return a pipeline without stages
     */
    public static <S extends @Nullable Object> Pipeline<S, S> from(Iterator<? extends S> items) {
        Objects.requireNonNull(items, "items");
        return of(() -> items);
    }

    /**
     * A pipeline that gets its items from a stream, which may be endless. Closing it is left to who opened it.
     *
     * @param items read by the only run
     * @param <S> the type of an item
     * @return a pipeline without stages
     */
    public static <S extends @Nullable Object> Pipeline<S, S> from(Stream<? extends S> items) {
        return of(Objects.requireNonNull(items, "items")::iterator);
    }

    /**
     * Adds a stage; see {@link #through(String, Pool, TaskFunction, UnaryOperator)}.
     *
     * @param name what failures and statistics call it
     * @param pool where the function runs: as many items at once as it has workers
     * @param function what the stage does with an item
     * @param <R> the type of what it makes of it
     * @return a pipeline with one stage more
     */
    public <R extends @Nullable Object> Pipeline<S, R> through(
            String name, Pool pool, TaskFunction<? super T, ? extends R> function) {
        return through(name, pool, function, UnaryOperator.identity());
    }

    /**
     * Adds a stage.
     *
     * @param name what failures and statistics call it, and its tasks
     * @param pool where the function runs
     * @param function what the stage does with an item
     * @param options sets how many items may be in the stage and wait before it, and limits of a run
     * @param <R> the type of what it makes of it
     * @return a pipeline with one stage more
     * @throws IllegalArgumentException if there is a stage of that name
     */
    @SuppressWarnings("unchecked") // the stages before make what this one takes
    public <R extends @Nullable Object> Pipeline<S, R> through(
            String name,
            Pool pool,
            TaskFunction<? super T, ? extends R> function,
            UnaryOperator<StageOptions> options) {
        Objects.requireNonNull(function, "function");
        AbstractPool known = AbstractPool.of(pool);
        if (stages.stream().anyMatch(stage -> stage.name().equals(name))) {
            throw new IllegalArgumentException("stages must differ in their names, " + name + " is there already");
        }
        StageOptions chosen = options.apply(StageOptions.NONE);
        TaskOptions task = chosen.task().name() == null ? chosen.task().name(name) : chosen.task();
        int workers = pool.workers() == Integer.MAX_VALUE ? StageOptions.MANY : pool.workers();
        int atMost = Objects.requireNonNullElse(chosen.atMost(), workers);
        int ahead = Objects.requireNonNullElse(chosen.ahead(), atMost);
        List<Stage> all = new ArrayList<>(stages);
        all.add(new Stage(name, known, (TaskFunction<? super @Nullable Object, ?>) function, atMost, ahead, task));
        return new Pipeline<>(settings, List.copyOf(all));
    }

    /**
     * Adds a stage of a function that is at hand; see {@link #through(String, Pool, TaskFunction, UnaryOperator)}.
     *
     * @param name what failures and statistics call it
     * @param pool where the function runs: as many items at once as it has workers
     * @param function what the stage does with an item; serializable where tasks travel
     * @param <R> the type of what it makes of it
     * @return a pipeline with one stage more
     */
    public <R extends @Nullable Object> Pipeline<S, R> through(
            String name, Pool pool, Function<? super T, ? extends R> function) {
        return through(name, pool, PlainFunction.<T, R>of(function));
    }

    /**
     * Adds a stage of a function that is at hand; see {@link #through(String, Pool, TaskFunction, UnaryOperator)}.
     *
     * @param name what failures and statistics call it, and its tasks
     * @param pool where the function runs
     * @param function what the stage does with an item; serializable where tasks travel
     * @param options sets how many items may be in the stage and wait before it, and limits of a run
     * @param <R> the type of what it makes of it
     * @return a pipeline with one stage more
     */
    public <R extends @Nullable Object> Pipeline<S, R> through(
            String name, Pool pool, Function<? super T, ? extends R> function, UnaryOperator<StageOptions> options) {
        return through(name, pool, PlainFunction.<T, R>of(function), options);
    }

    /**
     * Reads the source in tasks of a pool, one after another, and not in the thread that runs the pipeline. For a source that may
     * wait - lines from a terminal, messages from a queue: items go on through the stages, and to the consumer, while the next
     * one is not there yet.
     *
     * {@snippet :
     * var messages = new java.util.concurrent.LinkedBlockingQueue<String>();
     * Runnable listener = () -> messages.add("a message"); // for whoever brings them
     * java.util.function.Supplier<String> next = () -> {
     *     try {
     *         return messages.take();
     *     } catch (InterruptedException e) {
     *         throw new java.util.concurrent.CancellationException("nobody wants more");
     *     }
     * };
     * try (Pool reader = Pools.open("virtual"); Pool workers = Pools.open("processes:2")) {
     *     Pipeline.from(java.util.stream.Stream.generate(next))
     *             .readingOn(reader)
     *             .through("measure", workers, String::length)
     *             .run(System.out::println); // each when it is done, not when the next message comes
     * }
     * }
     *
     * <p>The source then runs beside consumer and listeners: what they share needs a lock. Each read happens before the next. A
     * source that waits holds a worker of that pool; so it is not one that a stage needs. If the pool is full of the tasks of
     * others, reading does what the pool does then: it waits, or runs in this thread, or is refused.
     *
     * <p>A pipeline that ends early cancels the read under way and waits until it is over, as for any task: a source that does not
     * heed an interrupt - as no read of {@code System.in} does - holds it up. If the pool is shut down, or refuses a read, the
     * pipeline ends with that {@link RejectedSubmissionException}, or a {@link java.util.concurrent.CancellationException}, even if
     * failures are collected.
     *
     * @param pool one whose tasks run in this JVM
     * @return such a pipeline
     * @throws IllegalArgumentException if it is one of processes
     */
    public Pipeline<S, T> readingOn(Pool pool) {
        AbstractPool known = AbstractPool.of(pool);
        if (known.copiesTasks()) {
            throw new IllegalArgumentException(
                    "a source is read in this JVM, and " + pool.name() + " runs its tasks elsewhere: take threads, virtual or loop");
        }
        return new Pipeline<>(settings.readOn(known), stages);
    }

    /**
     * Lets the others go on when an item fails.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     Pipeline.from(java.util.List.of("1", "two", "3"))
     *             .through("parse", pool, text -> Integer.parseInt(text))
     *             .collectingFailures(failure -> System.err.println(failure.item() + ": " + failure.cause().getMessage()))
     *             .run(System.out::println);
     * }
     * }
     *
     * @param failures gets each, as it happens, in the thread that runs the pipeline
     * @return such a pipeline
     */
    public Pipeline<S, T> collectingFailures(Consumer<? super PipelineFailure<S>> failures) {
        return new Pipeline<>(settings.onFailure(Objects.requireNonNull(failures, "failures")), stages);
    }

    /**
     * Tells how far it is, ten times a second at most; see {@link #onProgress(Duration, Consumer)}.
     *
     * @param progress gets the counts, in the thread that runs the pipeline
     * @return such a pipeline
     */
    public Pipeline<S, T> onProgress(Consumer<? super PipelineStatistics> progress) {
        return onProgress(OFTEN, progress);
    }

    /**
     * Tells how far it is: when something has changed, not more often than asked for, and when a run has come to its end.
     *
     * @param every the least time between two calls
     * @param progress gets the counts, in the thread that runs the pipeline
     * @return such a pipeline
     * @throws IllegalArgumentException if the time is not more than zero
     */
    public Pipeline<S, T> onProgress(Duration every, Consumer<? super PipelineStatistics> progress) {
        if (!every.isPositive()) {
            throw new IllegalArgumentException("every must be > 0, was " + every);
        }
        return new Pipeline<>(settings.onProgress(every, Objects.requireNonNull(progress, "progress")), stages);
    }

    /**
     * Hands results to the consumer in the order of the source, and not as they come. Those that come early wait; so that
     * they are bounded, no more items are read ahead of the one that is waited for than fit into the stages and the
     * queues before them.
     *
     * @return such a pipeline
     */
    public Pipeline<S, T> inOrder() {
        return new Pipeline<>(settings.ordered(), stages);
    }

    /**
     * Writes down what ran when: {@link PipelineResult#runs}. That takes about a hundred bytes for each item and stage, kept
     * until the end.
     *
     * @return such a pipeline
     */
    public Pipeline<S, T> recording() {
        return new Pipeline<>(settings.recorded(), stages);
    }

    /**
     * Runs all items through the stages; returns when each has come to its end.
     *
     * @param consumer gets each result, in the calling thread: as soon as it is there, or {@linkplain #inOrder in order}
     * @return counts, times, and what was recorded
     * @throws java.util.concurrent.CompletionException with the failure of an item as its cause; with an {@link
     *     InterruptedException} as its cause, and the interrupt status set, if the calling thread is interrupted. What the
     *     source, the consumer or a listener throws is thrown as it is
     */
    public PipelineResult<T> run(Consumer<? super T> consumer) {
        return run(Objects.requireNonNull(consumer, "consumer"), List.of());
    }

    /**
     * As {@link #run}, and keeps the results: {@link PipelineResult#values}.
     *
     * @return the results, counts, times, and what was recorded
     * @throws java.util.concurrent.CompletionException as {@link #run} does
     */
    public PipelineResult<T> toList() {
        List<T> values = new ArrayList<>();
        return run(values::add, values);
    }

    private PipelineResult<T> run(Consumer<? super T> consumer, List<T> values) {
        var run = new PipelineRun<S, T>(settings, stages, consumer);
        run.run();
        return new PipelineResult<>(Collections.unmodifiableList(values), run.statistics(), run.recorded());
    }

    @Override
    public String toString() {
        AbstractPool reader = settings.reader();
        return "Pipeline"
                + (reader == null ? "" : " read on " + reader.name() + " ")
                + stages.stream().map(stage -> stage.name() + " on " + stage.pool().name()).toList();
    }
}
