package dev.sennit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
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
 * Passes items through stages. Each stage runs on a pool of any kind, with a bounded queue before it.
 *
 * {@snippet :
 * try (Pool readers = Pools.open("virtual:4");
 *         Pool counters = Pools.open("threads:2")) {
 *     PipelineResult<Long> counted = Pipeline.from(java.util.List.of("a rose is", "a rose"))
 *             .through("split", readers, line -> line.split(" "))
 *             .through("count", counters, words -> java.util.Arrays.stream(words).distinct().count(),
 *                     stage -> stage.ahead(8))
 *             .run(count -> System.out.println(count + " different words"));
 *     System.out.println(counted.statistics().stage("count").runTime());
 * }
 * }
 *
 * <p>The pool of a stage decides which execution units run it, and how many at once: one after another on
 * {@code inline}, a thread per item on {@code virtual}, four threads, worker processes. Stages may share a pool. A
 * pipeline is an immutable description: each method returns a new pipeline, and {@link #run} runs it, as often as its
 * source can be read.
 *
 * <h2>One thread moves the items</h2>
 *
 * <p>The thread that calls {@link #run} reads the source, submits items to the pools, takes their results and calls the
 * consumer; otherwise it waits. So source, consumer and listeners need no locks and may use thread-confined state.
 * While a source, a consumer, a listener or a stage on an {@code inline} pool takes long, the pools finish the items
 * they have, but no item moves on. Read a source that may wait in a pool: {@link #readingOn}.
 *
 * <h2>Bounded queues</h2>
 *
 * <p>Items enter a stage first in, first out, when fewer items are in it than its limit. At most
 * {@link StageOptions#ahead} items wait before a stage. An item that finds no room there stays in the stage before, and
 * keeps its place there. So a slow stage slows down the stages before it, and the source is read only when the first
 * stage has room: memory is bounded however long the source is.
 *
 * <h2>Failures</h2>
 *
 * <p>Unless failures are {@linkplain #collectingFailures collected}, the first failure cancels all items under way, and
 * is thrown. Failures are: an exception of the function; a value that cannot travel to a process; the crash of the
 * worker; a time limit; a pool that is shut down, or that refuses an item because it is full of other tasks. The pools
 * go on, and with collected failures so does the pipeline.
 *
 * <p>An {@code InterruptedException} that a function throws in the thread that runs the pipeline - on an inline pool,
 * or in a worker that runs queued items itself - is an interrupt of the pipeline, and ends it, whether failures are
 * collected or not.
 *
 * <h2>No task outlives its run</h2>
 *
 * <p>When {@link #run} returns or throws - a failure, an exception of the source or of the consumer, an interrupt - the
 * run of every task that it submitted is over, not only its future done. It waits for a task that ignores its
 * cancellation, except on kinds that isolate tasks, where the worker is killed. The pools are not closed.
 *
 * <h2>Inside a pool or a loop</h2>
 *
 * <p>No stage waits in a thread of a pool for another stage, so any number of stages may share a pool, even one with a
 * single thread. A task of a pool that the pipeline uses may run the pipeline: a worker that would wait for queued
 * tasks runs them itself. A coroutine that runs a pipeline suspends while it waits.
 *
 * <p><b>Memory effects</b>: actions before {@link #run}, and actions of earlier stages on an item, happen-before the
 * actions of a function in this JVM. A function in another process gets a copy of the item, made when it was submitted.
 *
 * @param <S> the type of the source's items
 * @param <T> the type of the last stage's results
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
     * The settings that are not those of a stage.
     *
     * @param reader the pool that reads the source; null for the thread that runs the pipeline
     * @param onFailure the listener for failures; null to end with the first failure
     * @param onProgress the listener for progress, or null
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

    /** A stage. {@link #through} has checked the types of its function. */
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
     * Creates a pipeline that gets its items from an iterable.
     *
     * @param items iterated anew by each run
     * @param <S> the type of an item
     * @return a pipeline without stages
     */
    public static <S extends @Nullable Object> Pipeline<S, S> from(Iterable<? extends S> items) {
        return of(new OfItems<>(Objects.requireNonNull(items, "items")));
    }

    /** A source that may know how many items it has. */
    record OfItems<S extends @Nullable Object>(Iterable<? extends S> items) implements Supplier<Iterator<? extends S>> {
        @Override
        public Iterator<? extends S> get() {
            return items.iterator();
        }

        /** Returns how many items there are; less than 0 if that is not known. */
        long count() {
            return items instanceof Collection<?> collection ? collection.size() : MapWindow.UNKNOWN;
        }
    }

    /**
     * Creates a pipeline that gets its items from an iterator, which may be infinite.
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
     * Creates a pipeline that gets its items from a stream, which may be infinite. The pipeline does not close the
     * stream.
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
     * @param name the name of the stage in failures and statistics
     * @param pool the pool that runs the function, for as many items at once as it has workers
     * @param function applied to each item
     * @param <R> the type of the results
     * @return a pipeline with one more stage
     */
    public <R extends @Nullable Object> Pipeline<S, R> through(
            String name, Pool pool, TaskFunction<? super T, ? extends R> function) {
        return through(name, pool, function, UnaryOperator.identity());
    }

    /**
     * Adds a stage.
     *
     * @param name the name of the stage in failures and statistics, and of its tasks
     * @param pool the pool that runs the function
     * @param function applied to each item
     * @param options sets how many items may be in the stage and wait before it, and limits of a run
     * @param <R> the type of the results
     * @return a pipeline with one more stage
     * @throws IllegalArgumentException if there is already a stage of that name
     */
    @SuppressWarnings("unchecked") // the function takes the results of the stage before
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
     * Adds a stage of a function that is not written as a lambda; see
     * {@link #through(String, Pool, TaskFunction, UnaryOperator)}.
     *
     * @param name the name of the stage in failures and statistics
     * @param pool the pool that runs the function, for as many items at once as it has workers
     * @param function applied to each item; serializable where tasks leave this JVM
     * @param <R> the type of the results
     * @return a pipeline with one more stage
     */
    public <R extends @Nullable Object> Pipeline<S, R> through(
            String name, Pool pool, Function<? super T, ? extends R> function) {
        return through(name, pool, PlainFunction.<T, R>of(function));
    }

    /**
     * Adds a stage of a function that is not written as a lambda; see
     * {@link #through(String, Pool, TaskFunction, UnaryOperator)}.
     *
     * @param name the name of the stage in failures and statistics, and of its tasks
     * @param pool the pool that runs the function
     * @param function applied to each item; serializable where tasks leave this JVM
     * @param options sets how many items may be in the stage and wait before it, and limits of a run
     * @param <R> the type of the results
     * @return a pipeline with one more stage
     */
    public <R extends @Nullable Object> Pipeline<S, R> through(
            String name, Pool pool, Function<? super T, ? extends R> function, UnaryOperator<StageOptions> options) {
        return through(name, pool, PlainFunction.<T, R>of(function), options);
    }

    /**
     * Reads the source in tasks of a pool, one after another, and not in the thread that runs the pipeline. For a
     * source that may wait, such as lines from a terminal or messages from a queue: items move on through the stages,
     * and to the consumer, while the source waits for the next item.
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
     * <p>The source then runs concurrently with consumer and listeners: state that they share needs a lock. Each read
     * happens-before the next. A source that waits occupies a worker of that pool, so do not use a pool whose workers a
     * stage needs. If the pool is full of other tasks, its backlog policy applies to reads: they wait, run in this
     * thread, or are refused.
     *
     * <p>A pipeline that ends early cancels the read under way and waits until it is over, as for any task: a source
     * that ignores interrupts, such as a read of {@code System.in}, delays the end. If the pool is shut down, or
     * refuses a read, the pipeline ends with that {@link RejectedSubmissionException}, or a
     * {@link java.util.concurrent.CancellationException}, even if failures are collected.
     *
     * @param pool a pool whose tasks run in this JVM
     * @return a pipeline with this setting
     * @throws IllegalArgumentException if the pool's tasks run in other processes
     */
    public Pipeline<S, T> readingOn(Pool pool) {
        AbstractPool known = AbstractPool.of(pool);
        if (known.copiesTasks()) {
            throw new IllegalArgumentException(
                    "a source is read in this JVM, and " + pool.name()
                            + " runs its tasks elsewhere: take threads, virtual or loop");
        }
        return new Pipeline<>(settings.readOn(known), stages);
    }

    /**
     * Passes each failure to a listener, and goes on with the other items.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     Pipeline.from(java.util.List.of("1", "two", "3"))
     *             .through("parse", pool, text -> Integer.parseInt(text))
     *             .collectingFailures(failure ->
     *                     System.err.println(failure.item() + ": " + failure.cause().getMessage()))
     *             .run(System.out::println);
     * }
     * }
     *
     * @param failures gets each failure as it happens, in the thread that runs the pipeline
     * @return a pipeline with this setting
     */
    public Pipeline<S, T> collectingFailures(Consumer<? super PipelineFailure<S>> failures) {
        return new Pipeline<>(settings.onFailure(Objects.requireNonNull(failures, "failures")), stages);
    }

    /**
     * Reports progress, ten times a second at most; see {@link #onProgress(Duration, Consumer)}.
     *
     * @param progress gets the counts, in the thread that runs the pipeline
     * @return a pipeline with this setting
     */
    public Pipeline<S, T> onProgress(Consumer<? super PipelineStatistics> progress) {
        return onProgress(OFTEN, progress);
    }

    /**
     * Reports progress when a count has changed, but not more often than asked for, and when a run has completed.
     *
     * @param every the least time between two calls
     * @param progress gets the counts, in the thread that runs the pipeline
     * @return a pipeline with this setting
     * @throws IllegalArgumentException if the time is not more than zero
     */
    public Pipeline<S, T> onProgress(Duration every, Consumer<? super PipelineStatistics> progress) {
        if (!every.isPositive()) {
            throw new IllegalArgumentException("every must be > 0, was " + every);
        }
        return new Pipeline<>(settings.onProgress(every, Objects.requireNonNull(progress, "progress")), stages);
    }

    /**
     * Passes results to the consumer in the order of the source. Early results wait. To bound their number, no more
     * items are read ahead of the oldest unfinished item than fit into the stages and the queues before them.
     *
     * @return a pipeline with this setting
     */
    public Pipeline<S, T> inOrder() {
        return new Pipeline<>(settings.ordered(), stages);
    }

    /**
     * Records each run of each stage: {@link PipelineResult#runs}. This takes about a hundred bytes for each item and
     * stage, kept until the end.
     *
     * @return a pipeline with this setting
     */
    public Pipeline<S, T> recording() {
        return new Pipeline<>(settings.recorded(), stages);
    }

    /**
     * Runs all items through the stages, and returns when the last has left the pipeline. An exception of the source,
     * the consumer or a listener is thrown as it is.
     *
     * @param consumer gets each result, in the calling thread: as soon as it is available, or
     *     {@linkplain #inOrder in order}
     * @return counts, times, and recorded runs
     * @throws java.util.concurrent.CompletionException with the failure of an item as its cause; with an {@link
     *     InterruptedException} as its cause, and the interrupt status set, if the calling thread is interrupted
     */
    public PipelineResult<T> run(Consumer<? super T> consumer) {
        return run(Objects.requireNonNull(consumer, "consumer"), List.of());
    }

    /**
     * Runs all items through the stages as {@link #run}, and keeps the results: {@link PipelineResult#values}.
     *
     * @return the results, counts, times, and recorded runs
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
