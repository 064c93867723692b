package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One run of a {@link Pipeline}.
 *
 * <h2>Where an item is</h2>
 * <pre>
 * source -> waiting -> running -> held -> waiting of the next stage ... -> held -> consumer
 *                        |
 *                        +-> failed
 * </pre>
 *
 * <p>Running and held items occupy the places of a stage. {@link #moveOne} goes from the last stage to the first, so
 * that a place that becomes free at the end is filled from the stages before at once. The source is read only when no
 * item can move: by this thread, or by a task of the reader's pool, which is not a stage and holds no items.
 *
 * <h2>Threads</h2>
 *
 * <p>The thread that runs the pipeline does everything else. The threads of the pools only put a step into
 * {@link #news} when its run is over and the worker is free of it. So nothing here needs a lock, and no thread of a
 * pool waits.
 *
 * <h2>Why it ends</h2>
 *
 * <p>The thread waits only while a step runs, and every step ends. If none runs, the last stage holds no item, so an
 * item that waits before it can start; if none waits there, an item held in the stage before can move there, and so on
 * back to the source. A full pool delays an item only while it has another step of this run.
 */
final class PipelineRun<S extends @Nullable Object, T extends @Nullable Object> {
    private static final int LONGEST_TEXT = 100;

    private final Pipeline.Settings<S> settings;
    private final Consumer<? super T> consumer;
    private final List<Line> lines = new ArrayList<>();
    /** The pseudo-stage whose tasks read the source, or null; it has at most one task at a time. */
    private final @Nullable Line reader;
    private final long window;
    private final long begun = Backend.current().nanoTime();

    /**
     * The steps that are over; an empty element says that there may be tasks that this thread can run. The only field
     * that other threads use.
     */
    private final LinkedBlockingQueue<Optional<Step>> news = new LinkedBlockingQueue<>();
    /** Always the same object, so that a future adds it only once. */
    private final Runnable tellMore = () -> news.add(Optional.empty());
    /** The steps that were submitted and are not over, oldest first. */
    private final Set<Step> running = new LinkedHashSet<>();
    /** The steps that ended before a step of an earlier item, by number of the item. Only in order. */
    private final Map<Long, Step> early = new HashMap<>();
    private final List<StageRun> recorded = new ArrayList<>();

    private long in;
    private long out;
    private long failed;
    /** The number of the item whose result goes to the consumer next. Only in order. */
    private long next;
    private boolean exhausted;
    /** Set at the beginning of the run. */
    private Iterator<? extends S> source = Collections.emptyIterator();

    /** Whether a count has changed since the last call of the listener. */
    private boolean changed;
    /** When the listener was last called. */
    private long reported = begun;
    /** Null if nobody looks on at the events of tasks. */
    private final @Nullable WholeProgress progress;
    /** What was last reported there. */
    private long doneReported;

    PipelineRun(Pipeline.Settings<S> settings, List<Pipeline.Stage> stages, Consumer<? super T> consumer) {
        this.settings = settings;
        this.consumer = consumer;
        stages.forEach(stage -> lines.add(new Line(lines.size(), stage)));
        AbstractPool pool = settings.reader();
        reader = pool == null
                ? null
                : new Line(-1,
                        new Pipeline.Stage("source", pool, unused -> readOne(), 1, 1, TaskOptions.NONE.name("source")));
        progress = stages.isEmpty()
                ? null
                : WholeProgress.begin(
                        stages.getLast().pool().name(),
                        stages.stream().map(Pipeline.Stage::name).collect(Collectors.joining(" -> ")),
                        settings.source() instanceof Pipeline.OfItems<?> known ? known.count() : MapWindow.UNKNOWN);
        window = stages.stream().mapToLong(stage -> (long) stage.atMost() + stage.ahead()).sum();
    }

    // ---- the thread that runs it ----

    void run() {
        try {
            runInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CompletionException(e);
        }
    }

    private void runInterruptibly() throws InterruptedException {
        boolean complete = false;
        try {
            source = settings.source().get();
            while (goOn()) {
                if (Thread.interrupted()) {
                    throw new InterruptedException("the pipeline was interrupted");
                }
                if (nanosUntilProgress() <= 0) {
                    tellProgress();
                }
                if (progress != null && out + failed > doneReported) {
                    doneReported = out + failed;
                    progress.report(doneReported);
                }
            }
            tellProgress();
            complete = true;
        } finally {
            if (progress != null) {
                progress.end();
            }
            if (!complete) {
                cancel();
            }
        }
    }

    /** Moves an item, or waits until a step is over; returns false when the run is complete. */
    private boolean goOn() throws InterruptedException {
        Optional<Step> over = news.poll();
        if (over == null) {
            if (moveOne() || takeIn()) {
                return true;
            }
            if (running.isEmpty()) {
                return false;
            }
            over = await();
        }
        if (over.isPresent()) {
            ended(over.get());
        }
        return true;
    }

    /** Waits until a step is over; empty if there are tasks to help with, or progress is due. */
    private Optional<Step> await() throws InterruptedException {
        help();
        long nanos = nanosUntilProgress();
        try (var _ = news.isEmpty() ? Waits.outOfTurn() : null) {
            return nanos == Long.MAX_VALUE
                    ? news.take()
                    : Objects.requireNonNullElse(news.poll(nanos, TimeUnit.NANOSECONDS), Optional.empty());
        }
    }

    /** If this thread is a worker, runs queued steps of its pool, which might otherwise never run. */
    private void help() {
        for (Step step : running) {
            if (!news.isEmpty()) {
                return;
            }
            boolean mayWait = step.line == reader && running.size() > 1; // a read may wait, and delay the other steps
            if (step.line.onWorker && !mayWait) {
                step.future().help(tellMore);
            }
        }
    }

    /** Cancels the steps under way, and waits until they are over. */
    private void cancel() {
        running.forEach(step -> step.future().cancel(true));
        if (running.isEmpty()) {
            return;
        }
        running.forEach(step -> step.line.stage.pool().aboutToWait());
        boolean interrupted = false;
        while (!running.isEmpty()) {
            try (var _ = Waits.outOfTurn()) {
                news.take().ifPresent(running::remove);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- items ----

    /** Starts an item of the last stage that can start one; returns false if no stage can. */
    private boolean moveOne() throws InterruptedException {
        for (Line line : lines.reversed()) {
            if (line.number > 0) {
                takeHeld(lines.get(line.number - 1), line);
            }
            if (!line.waiting.isEmpty() && mayStart(line) && start(line)) {
                changed = true;
                return true;
            }
        }
        return false;
    }

    private void takeHeld(Line before, Line line) {
        while (!before.held.isEmpty() && hasRoom(line)) {
            Step done = before.held.remove();
            line.waiting.add(new Step(done.item, done.source, done.value, line));
        }
    }

    /** Reads an item, or submits a read, if the first stage has room; returns false if it does neither. */
    private boolean takeIn() throws InterruptedException {
        if (exhausted || (!lines.isEmpty() && (isTooFarAhead() || !hasRoom(lines.getFirst())))) {
            return false;
        }
        if (reader == null) {
            return takeIn(readOne());
        }
        AbstractPool pool = reader.stage.pool();
        if (reader.running > 0 || (pool.isFull() && hasOneIn(pool))) {
            return false;
        }
        if (reader.waiting.isEmpty()) {
            reader.waiting.add(new Step(-1, null, null, reader));
        }
        return start(reader);
    }

    /**
     * Reads the next item, if there is one; in the thread that runs the pipeline, or in a thread of the reader's pool.
     */
    private Read readOne() {
        return source.hasNext() ? new Read(true, source.next()) : Read.NOTHING;
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // the source gave it
    private boolean takeIn(Read read) {
        exhausted = !read.any;
        if (exhausted) {
            return false;
        }
        S item = (S) read.item;
        long number = in++;
        changed = true;
        if (lines.isEmpty()) {
            give(item);
        } else {
            Line first = lines.getFirst();
            first.waiting.add(new Step(number, item, item, first));
        }
        return true;
    }

    private boolean isTooFarAhead() {
        return settings.inOrder() && in - next >= window;
    }

    private boolean hasRoom(Line line) {
        return line.waiting.size() < line.stage.ahead() || (line.waiting.isEmpty() && mayStart(line));
    }

    private boolean mayStart(Line line) {
        return line.running + line.held.size() < line.stage.atMost()
                && !(line.stage.pool().isFull() && hasOneIn(line.stage.pool()));
    }

    private boolean hasOneIn(AbstractPool pool) {
        return running.stream().anyMatch(step -> step.line.stage.pool() == pool);
    }

    /**
     * Submits the item that waits first; returns false if its pool has no room until another step of this run has
     * ended.
     */
    private boolean start(Line line) throws InterruptedException {
        Pipeline.Stage stage = line.stage;
        Step step = line.waiting.remove();
        running.add(step);
        line.running++;
        try {
            stage.pool().submitFor(new OfStep(step), new Applied<>(stage.function(), step.value), stage.options(),
                    null);
        } catch (RuntimeException | Error e) {
            if (step.future != null && !step.future.submission().isQueued()) {
                return true; // admitted, but it has failed, for want of a thread, for example
            }
            running.remove(step);
            line.running--;
            if (e instanceof RejectedSubmissionException && !stage.pool().isShutdown()) {
                boolean interrupted = Thread.currentThread().isInterrupted(); // in the wait for room
                if (interrupted || hasOneIn(stage.pool())) {
                    line.waiting.addFirst(step.notStarted());
                    return interrupted;
                }
            }
            fail(step, e);
        }
        line.mostRunning = Math.max(line.mostRunning, line.running);
        return true;
    }

    /** The owner of a step's task; called by threads of the pool. */
    private final class OfStep implements Owner {
        private final Step step;

        OfStep(Step step) {
            this.step = step;
        }

        @Override
        public void admitted(Submission<?> part) {
            step.future = part.future();
        }

        @Override
        public void over() {
            step.overAt = Backend.current().nanoTime();
            Submission<?> submission = step.future().submission();
            step.ranNanos = submission.neverBegan()
                    ? 0
                    : Math.clamp(submission.nanosSinceStart(), 0, step.overAt - step.enteredAt);
            step.overIn = Thread.currentThread();
            step.worker = step.overIn.getName(); // now, as the next task may change the name of the thread
            news.add(Optional.of(step));
        }
    }

    private void ended(Step step) throws InterruptedException {
        Line line = step.line;
        TaskFuture<?> future = step.future();
        boolean succeeded = future.state() == Future.State.SUCCESS;
        changed = true;
        running.remove(step);
        line.running--;
        line.runNanos += step.ranNanos;
        line.waitNanos += step.overAt - step.ranNanos - step.enteredAt;
        if (line == reader && succeeded) {
            takeIn((Read) Objects.requireNonNull(future.resultNow()));
            return;
        }
        if (settings.recording() && line != reader && !future.submission().neverBegan()) {
            record(step, succeeded);
        }
        if (!succeeded) {
            fail(step,
                    future.isCancelled()
                            ? new CancellationException(future.name() + " was cancelled")
                            : future.exceptionNow());
            return;
        }
        line.done++;
        step.value = future.resultNow();
        step.future = null; // it retains the input of the stage
        if (line.number == lines.size() - 1) {
            handOut(step);
        } else {
            line.held.add(step);
        }
    }

    private void record(Step step, boolean succeeded) {
        recorded.add(new StageRun(
                step.line.stage.name(),
                step.item,
                Duration.ofNanos(step.overAt - step.ranNanos - begun),
                Duration.ofNanos(step.overAt - begun),
                step.worker,
                succeeded));
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // the source gave it
    private void fail(Step step, Throwable cause) throws InterruptedException {
        if (cause instanceof InterruptedException interrupt && step.overIn == Thread.currentThread()) {
            throw interrupt; // meant for the thread that runs the pipeline, which ran the task too
        }
        if (step.line == reader) {
            throw asItIs(cause);
        }
        String stage = step.line.stage.name();
        S item = (S) step.source;
        var onFailure = settings.onFailure();
        if (onFailure == null) {
            throw new CompletionException(
                    "item " + step.item + " (" + shortened(item) + ") failed in stage " + stage + ": "
                            + Throwables.text(cause),
                    cause);
        }
        step.line.failed++;
        failed++;
        onFailure.accept(new PipelineFailure<>(item, step.item, stage, cause));
        if (settings.inOrder()) {
            step.isFailed = true;
            handOut(step);
        }
    }

    /** Throws the source's exception, or why the source was not read. */
    private static RuntimeException asItIs(Throwable cause) {
        switch (cause) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new CompletionException("the source was not read: " + Throwables.text(cause), cause);
        }
    }

    private static String shortened(@Nullable Object item) {
        String text = String.valueOf(item);
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "...";
    }

    private void handOut(Step step) {
        if (!settings.inOrder()) {
            give(step.value);
            return;
        }
        early.put(step.item, step);
        for (Step first = early.remove(next); first != null; first = early.remove(next)) {
            next++;
            if (!first.isFailed) {
                give(first.value);
            }
        }
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // a result of the last stage
    private void give(@Nullable Object result) {
        out++;
        consumer.accept((T) result);
    }

    // ---- figures ----

    /** Returns how long to wait before the next call of the listener, or the greatest number if none is due. */
    private long nanosUntilProgress() {
        if (settings.onProgress() == null || !changed) {
            return Long.MAX_VALUE;
        }
        return reported + Timers.nanos(settings.progressEvery()) - Backend.current().nanoTime();
    }

    private void tellProgress() {
        var onProgress = settings.onProgress();
        if (onProgress != null) {
            changed = false;
            onProgress.accept(statistics());
            reported = Backend.current().nanoTime();
        }
    }

    PipelineStatistics statistics() {
        Duration elapsed = Duration.ofNanos(Backend.current().nanoTime() - begun);
        return new PipelineStatistics(in, out, failed, elapsed, lines.stream().map(this::statistics).toList());
    }

    private StageStatistics statistics(Line line) {
        long held = line.number < lines.size() - 1
                ? line.held.size()
                : early.values().stream().filter(step -> !step.isFailed).count();
        return new StageStatistics(
                line.stage.name(),
                line.stage.pool().name(),
                line.waiting.size(),
                line.running,
                (int) held,
                line.done,
                line.failed,
                Duration.ofNanos(line.waitNanos),
                Duration.ofNanos(line.runNanos),
                Math.min(line.mostRunning, line.stage.pool().workers()));
    }

    List<StageRun> recorded() {
        return Collections.unmodifiableList(recorded);
    }

    /** The result of reading the source. */
    private record Read(boolean any, @Nullable Object item) {
        static final Read NOTHING = new Read(false, null);
    }

    /** A stage and its items. */
    private static final class Line {
        final int number;
        final Pipeline.Stage stage;
        /** Whether the thread that runs the pipeline is a worker of the pool, which does not change. */
        final boolean onWorker;
        final Deque<Step> waiting = new ArrayDeque<>();
        final Deque<Step> held = new ArrayDeque<>();
        int running;
        int mostRunning;
        long done;
        long failed;
        long waitNanos;
        long runNanos;

        Line(int number, Pipeline.Stage stage) {
            this.number = number;
            this.stage = stage;
            onWorker = stage.pool().isWorker();
        }
    }

    /** An item in a stage. */
    private static final class Step {
        final long item;
        final @Nullable Object source;
        final Line line;
        final long enteredAt;
        /** The input of the stage; after the run, its result. */
        @Nullable Object value;
        /** The task, while it runs. */
        @Nullable TaskFuture<?> future;
        /** Whether it failed. Only in order. */
        boolean isFailed;

        // Written by the thread that ends the step, before it puts the step into news.
        long overAt;
        long ranNanos;
        @Nullable Thread overIn;
        String worker = "";

        Step(long item, @Nullable Object source, @Nullable Object value, Line line) {
            this(item, source, value, line, Backend.current().nanoTime());
        }

        private Step(long item, @Nullable Object source, @Nullable Object value, Line line, long enteredAt) {
            this.item = item;
            this.source = source;
            this.value = value;
            this.line = line;
            this.enteredAt = enteredAt;
        }

        /** Returns this step as it was before it was started. */
        Step notStarted() {
            return new Step(item, source, value, line, enteredAt);
        }

        TaskFuture<?> future() {
            return Objects.requireNonNull(future);
        }
    }
}
