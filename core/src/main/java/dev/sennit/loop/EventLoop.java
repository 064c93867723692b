package dev.sennit.loop;

import dev.sennit.AbstractPool;
import dev.sennit.Action;
import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolBuilder;
import dev.sennit.PoolProvider;
import dev.sennit.Pools;
import dev.sennit.Submission;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Fallbacks;
import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.StartLimit;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A pool whose tasks are coroutines: they share one thread, and take turns where they wait. Its plan is {@code loop}.
 *
 * <p>A coroutine is a virtual thread that this loop schedules. Ordinary code that waits suspends only its coroutine:
 * {@code Thread.sleep}, locks, queues and futures of {@code java.util.concurrent}, {@code synchronized}, sockets.
 * Between two waits no other coroutine of the loop runs, so the code between them needs no lock.
 *
 * {@snippet :
 * import dev.sennit.loop.EventLoop;
 *
 * int answer = EventLoop.run(() -> {
 *     EventLoop loop = EventLoop.current();
 *     TaskFuture<Integer> six = loop.submit(() -> {
 *         Thread.sleep(10);
 *         return 6;
 *     });
 *     TaskFuture<Integer> seven = loop.submit(() -> {
 *         Thread.sleep(10);
 *         return 7;
 *     });
 *     return six.join() * seven.join();
 * });
 * System.out.println(answer);
 * }
 *
 * <h2>Order</h2>
 *
 * <p>Coroutines run in the order in which they became runnable. The loop also schedules virtual threads that a
 * coroutine starts itself ({@code Thread.startVirtualThread}, {@code Executors.newVirtualThreadPerTaskExecutor}).
 *
 * <h2>Context</h2>
 *
 * <p>A coroutine has the scoped values that are bound where it is submitted, and so has a task passed to
 * {@link #offload}. Reading them takes the option that {@link Mechanism#SCHEDULER} needs.
 * {@link dev.sennit.TaskContext} carries other context.
 *
 * <h2>What blocks the loop</h2>
 *
 * <p>Computing; reading and writing files other than by {@link FileStream}, and the streams of a {@code Process};
 * waiting for the initialization of a class; waiting inside a native call. All other coroutines wait meanwhile.
 * {@link #offload} runs such work on other threads.
 *
 * <h2>Mechanism</h2>
 *
 * <p>The loop needs a feature that the JDK does not export, a custom scheduler of virtual threads, and so the option
 * {@code --add-opens java.base/java.lang=dev.sennit} (or {@code =ALL-UNNAMED} with the library on the class path) on
 * the command line of the JVM. Without the option the loop falls back: coroutines are then ordinary virtual threads
 * that the loop lets run one at a time. A coroutine then suspends in every method of Sennit that waits - futures,
 * {@link #sleep}, {@link dev.sennit.Event}, {@link dev.sennit.JoinableQueue}, channels, streams, shared and managed
 * synchronizers and queues, pipes - and in {@link #suspending}. A blocking call of other code, such as
 * {@code Thread.sleep} or a lock of the JDK, stops the whole loop, and the loop does not schedule virtual threads that
 * coroutines start. {@link #mechanism} returns the mechanism in use, and the first loop that falls back logs one
 * warning, which names the option. Code written for the fallback works with the option, too.
 *
 * <h2>End</h2>
 *
 * <p>As with every pool, {@link #close} waits for the coroutines; {@link #shutdownNow} cancels them by an interrupt.
 * {@link #run} cancels the coroutines that are left when its main coroutine has ended.
 *
 * <h2>Memory effects</h2>
 *
 * <p>Actions in one turn <i>happen-before</i> those in the next.
 */
public final class EventLoop extends AbstractPool {
    static final System.Logger LOG = System.getLogger(EventLoop.class.getName());

    /** The most bytes that one read of a stream takes. */
    private static final int SCRATCH = 1 << 16;

    private final CoroutineScheduler scheduler;
    private final StartLimit<Submission<?>> limit;
    private final Coroutines coroutines;
    private final @Nullable Pool elsewhere;
    private final Object offloadLock = new Object();
    /** Guarded by offloadLock. The loop's own threads, made on first use. */
    private @Nullable Pool threads;
    /** A buffer for reads. Only in a turn; empty when the turn ends. Made on first use. */
    private @Nullable ByteBuffer scratch;
    /** Guarded by offloadLock. Whether the loop has ended, so that nothing can be offloaded. */
    private boolean isOver;
    /** Objects that the loop closes at its end. */
    final OpenResources openResources = new OpenResources();

    /** The way in which a loop makes its coroutines take turns. */
    public enum Mechanism {
        /** The loop schedules its virtual threads: any wait suspends only the coroutine. */
        SCHEDULER,
        /**
         * Virtual threads pass the permission to run from one to the next: the loop sees only waits of Sennit's methods
         * and of {@link #suspending}.
         */
        BATON
    }

    @SuppressWarnings("this-escape") // the scheduler only stores the reference
    private EventLoop(Builder settings) {
        super(settings, settings.limit);
        limit = new StartLimit<>(
                settings.limit, this::start, Submission::isQueued,
                (unstarted, why) -> unstarted.settle(null, why, false));
        coroutines = new Coroutines(limit::ended);
        elsewhere = settings.elsewhere;
        scheduler =
                settings.mechanismOrBest() == Mechanism.SCHEDULER ? new LoopScheduler(this) : new BatonScheduler(this);
        LoopWatch.add(this, scheduler, settings.watch());
        opened();
    }

    /**
     * Opens a loop with the default settings.
     *
     * @return an open loop
     */
    public static EventLoop open() {
        return builder().open();
    }

    /**
     * Returns a builder with the default settings.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Runs a main coroutine on a loop of its own, and waits for it. Coroutines that are left when it ends are cancelled
     * and waited for.
     *
     * @param main what to run
     * @param <T> the type of the result
     * @return its result
     * @throws CompletionException with the exception of the main coroutine as its cause
     * @throws java.util.concurrent.CancellationException if the calling thread is interrupted, which cancels everything
     */
    public static <T extends @Nullable Object> T run(Task<T> main) {
        return runMain(loop -> loop.submit(main, TaskOptions.named("main")));
    }

    /**
     * Runs a main coroutine without a result, as {@link #run(Task)}.
     *
     * {@snippet :
     * import dev.sennit.loop.EventLoop;
     *
     * EventLoop.run(() -> {
     *     Thread.sleep(10);
     *     System.out.println("slept");
     * });
     * }
     *
     * @param main what to run
     * @throws CompletionException with the exception of the main coroutine as its cause
     * @throws java.util.concurrent.CancellationException if the calling thread is interrupted, which cancels everything
     */
    public static void run(Action main) {
        EventLoop.<@Nullable Void>runMain(loop -> loop.submit(main, TaskOptions.named("main")));
    }

    /**
     * Runs a callable as the main coroutine, as {@link #run(Task)}.
     *
     * @param main what to run
     * @param <T> the type of the result
     * @return its result
     */
    public static <T extends @Nullable Object> T run(Callable<T> main) {
        return runMain(loop -> loop.submit(main, TaskOptions.named("main")));
    }

    /**
     * Runs a runnable as the main coroutine, as {@link #run(Task)}.
     *
     * @param main what to run
     */
    public static void run(Runnable main) {
        EventLoop.<@Nullable Void>runMain(loop -> loop.submit(main, TaskOptions.named("main")));
    }

    private static <T extends @Nullable Object> T runMain(Function<EventLoop, TaskFuture<T>> main) {
        try (EventLoop loop = open()) {
            TaskFuture<T> ended = main.apply(loop);
            try {
                return waitFor(ended);
            } finally {
                loop.shutdownNow();
            }
        }
    }

    private static <T extends @Nullable Object> T waitFor(TaskFuture<T> main) {
        try {
            return main.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            main.cancel(true);
            return main.join(); // its outcome
        } catch (java.util.concurrent.ExecutionException e) {
            throw Throwables.completion(Objects.requireNonNullElse(e.getCause(), e));
        }
    }

    /**
     * Returns the loop that runs the calling code.
     *
     * @return the loop
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static EventLoop current() {
        EventLoop here = currentOrNull();
        if (here == null) {
            throw new IllegalStateException(
                    "thread " + Thread.currentThread() + " is not a coroutine of an event loop");
        }
        return here;
    }

    /**
     * Returns whether the calling code is a coroutine of a loop.
     *
     * @return true if {@link #current} returns a loop
     */
    public static boolean isCoroutine() {
        return currentOrNull() != null;
    }

    static @Nullable EventLoop currentOrNull() {
        EventLoop agreed = BatonScheduler.loopOfThread();
        if (agreed != null) {
            return agreed;
        }
        if (OwnScheduler.isAvailable() && OwnScheduler.currentCarrier() instanceof LoopScheduler.Carrier carrier) {
            return carrier.loop();
        }
        return null;
    }

    /**
     * Returns the mechanism by which this loop makes its coroutines take turns.
     *
     * @return the mechanism
     */
    public Mechanism mechanism() {
        return scheduler.mechanism();
    }

    @Override
    protected boolean inheritsScopedValues() {
        return true;
    }

    // ---- what coroutines call ----

    /**
     * Lets every coroutine that is ready have a turn before the calling one goes on. In a thread that is not a
     * coroutine, it is {@link Thread#yield}.
     */
    public static void yieldNow() {
        EventLoop here = currentOrNull();
        if (here == null) {
            Thread.yield();
        } else {
            here.scheduler.yieldHere();
        }
    }

    /**
     * Sleeps while other coroutines run. In a thread that is not a coroutine, it is {@link Thread#sleep(Duration)}.
     *
     * @param time how long; zero or less yields
     * @throws InterruptedException if the coroutine is cancelled
     */
    public static void sleep(Duration time) throws InterruptedException {
        if (time.isPositive()) {
            try (var _ = Waits.outOfTurn()) {
                Thread.sleep(time);
            }
        } else {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            yieldNow();
        }
    }

    /**
     * Calls code that waits in a way which the loop cannot see, and lets other coroutines run meanwhile. Only
     * {@link Mechanism#BATON} needs it: the coroutine gives up its turn before the call, and waits for another after
     * it. In other threads, and with the other mechanism, it is merely the call.
     *
     * {@snippet :
     * import dev.sennit.loop.EventLoop;
     *
     * var queue = new java.util.concurrent.ArrayBlockingQueue<String>(1);
     * String taken = EventLoop.run(() -> {
     *     EventLoop.current().execute(() -> queue.add("hello"));
     *     return EventLoop.suspending(queue::take);
     * });
     * }
     *
     * <p>The call is outside of a turn: objects that it uses must be thread-safe.
     *
     * @param wait what to call
     * @param <T> the type of the result
     * @return its result
     * @throws Exception the exception of the call
     */
    public static <T extends @Nullable Object> T suspending(Callable<T> wait) throws Exception {
        try (var _ = Waits.outOfTurn()) {
            return wait.call();
        }
    }

    /** Returns an empty direct buffer, for use until the calling coroutine waits or its turn ends. */
    ByteBuffer scratch() {
        ByteBuffer buffer = scratch;
        if (buffer == null) {
            buffer = ByteBuffer.allocateDirect(SCRATCH);
            scratch = buffer;
        }
        return buffer.clear();
    }

    /** Returns the selector in which coroutines wait for channels. In a turn only. */
    LoopSelector selector() throws IOException {
        return scheduler.selector();
    }

    // ---- starting ----

    /**
     * Starts a coroutine that runs at once, until its first wait; then the calling coroutine goes on. So the part
     * before the first wait is done when this returns. If the caller is not a coroutine of this loop, or the loop's
     * limit of coroutines is reached, it is {@link #submit(Task)}.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> startNow(Task<T> task) {
        return nextAtOnce(() -> submit(task));
    }

    /**
     * Starts an action as a coroutine that runs at once, as {@link #startNow(Task)}.
     *
     * @param action what to run
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> startNow(Action action) {
        return nextAtOnce(() -> submit(action));
    }

    /**
     * Starts a callable as a coroutine that runs at once, as {@link #startNow(Task)}.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> startNow(Callable<T> task) {
        return nextAtOnce(() -> submit(task));
    }

    /**
     * Starts a runnable as a coroutine that runs at once, as {@link #startNow(Task)}.
     *
     * @param task what to run
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> startNow(Runnable task) {
        return nextAtOnce(() -> submit(task));
    }

    private <T extends @Nullable Object> TaskFuture<T> nextAtOnce(Supplier<TaskFuture<T>> submission) {
        if (!scheduler.isHere()) {
            return submission.get();
        }
        startsNext = Thread.currentThread();
        try {
            return submission.get();
        } finally {
            startsNext = null;
        }
    }

    /** The coroutine whose next submission is to run at once. Only in a turn. */
    private @Nullable Thread startsNext;

    /**
     * Runs an action as a coroutine after a delay. For a task with a result there is
     * {@link #submitAfter(Duration, Task)}.
     *
     * @param delay how long to wait before
     * @param action what to run
     * @return its future; if it is cancelled before the delay is over, the action never runs
     */
    public TaskFuture<@Nullable Void> after(Duration delay, Action action) {
        return submitAfter(delay, action);
    }

    /**
     * Runs a runnable as a coroutine after a delay, as {@link #after(Duration, Action)}.
     *
     * @param delay how long to wait before
     * @param action what to run
     * @return its future
     */
    public TaskFuture<@Nullable Void> after(Duration delay, Runnable action) {
        return submitAfter(delay, action);
    }

    /**
     * Runs an action as a coroutine at a time of day. The delay is computed now: setting the clock later changes
     * nothing.
     *
     * @param time when to run it; at once if that is past
     * @param action what to run
     * @return its future
     */
    public TaskFuture<@Nullable Void> at(Instant time, Action action) {
        return after(Duration.between(Instant.now(), time), action);
    }

    /**
     * Runs a runnable as a coroutine at a time of day, as {@link #at(Instant, Action)}.
     *
     * @param time when to run it; at once if that is past
     * @param action what to run
     * @return its future
     */
    public TaskFuture<@Nullable Void> at(Instant time, Runnable action) {
        return after(Duration.between(Instant.now(), time), action);
    }

    /**
     * Runs a task that would block the loop on another thread: on the pool given to {@link Builder#offloadTo}, or else
     * on the loop's own threads, 4 more than there are processors. A coroutine that waits for the future suspends. On a
     * pool of this JVM, the task has the scoped values of the coroutine.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> offload(Task<T> task) {
        return submitInheriting(elsewhere(), task);
    }

    /**
     * Runs an action on another thread, as {@link #offload(Task)}.
     *
     * @param action what to run
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> offload(Action action) {
        return submitInheriting(elsewhere(), action);
    }

    /**
     * Runs a callable on another thread, as {@link #offload(Task)}.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> offload(Callable<T> task) {
        return submitInheriting(elsewhere(), task);
    }

    /**
     * Runs a runnable on another thread, as {@link #offload(Task)}.
     *
     * @param task what to run
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> offload(Runnable task) {
        return submitInheriting(elsewhere(), task);
    }

    private Pool elsewhere() {
        synchronized (offloadLock) {
            ensureNotOver();
        }
        return elsewhere != null ? elsewhere : threads();
    }

    /**
     * Returns the loop's own threads, for calls that block. They are not interrupted before the loop has ended.
     *
     * @throws RejectedExecutionException if the loop has ended
     */
    Pool threads() {
        synchronized (offloadLock) {
            ensureNotOver();
            Pool pool = threads;
            if (pool == null) {
                int workers = Runtime.getRuntime().availableProcessors() + 4;
                pool = Pools.open("threads:" + workers + "?name=" + name() + "-offload");
                threads = pool;
            }
            return pool;
        }
    }

    /** Called with offloadLock. */
    private void ensureNotOver() {
        if (isOver) {
            throw new RejectedExecutionException("loop " + name() + " has ended: nothing is offloaded any more");
        }
    }

    // ---- seeing what goes on ----

    /**
     * Returns all coroutines: what each does and where, and which of them started which. Threads that coroutines have
     * started themselves are left out. May be called from any thread, also while the loop is blocked. It reads the
     * stack of each coroutine, so it is for diagnosis.
     *
     * @return the tree as it is now
     */
    public CoroutineTree tree() {
        return coroutines.tree(name(), mechanism(), scheduler.running());
    }

    /**
     * Returns a report in text: the deadlocks, if there are any, then the {@link #tree} with the stack of each
     * coroutine.
     *
     * <p>A deadlock here is a circle of threads, coroutines or not, each of which waits for a lock of
     * {@code java.util.concurrent.locks} that the next one holds; or a wait for such a lock whose holder has ended.
     * Finding them needs {@link Mechanism#SCHEDULER}. Circles of other waits - monitors, semaphores, queues, futures -
     * cannot be proven; the stacks show them.
     *
     * @return several lines
     */
    public String report() {
        String deadlocks = deadlocks();
        return (deadlocks.isEmpty() ? "" : deadlocks + System.lineSeparator()) + tree().withStacks();
    }

    /** Returns a line for each deadlock; empty when none can be proven. */
    String deadlocks() {
        return coroutines.deadlocks().stream()
                .map(one -> name() + " - " + one)
                .collect(Collectors.joining(System.lineSeparator()));
    }

    /** Returns whether coroutines are left, and no offloaded task is on its way that could wake one. */
    boolean waitsForItself() {
        Pool own;
        synchronized (offloadLock) {
            own = threads;
        }
        return !coroutines.isEmpty() && isIdle(own) && isIdle(elsewhere);
    }

    private static boolean isIdle(@Nullable Pool pool) {
        return pool == null || pool.statistics().running() + pool.statistics().queued() == 0;
    }

    /** Returns the virtual thread that has the turn. */
    @Nullable Thread running() {
        Thread running = scheduler.running();
        return running != null ? running : coroutines.goingOn();
    }

    /** Returns the name of a coroutine's task; the thread's own name if there is no such name. */
    String nameOf(Thread thread) {
        return coroutines.nameOf(thread);
    }

    // ---- what AbstractPool asks for ----

    @Override
    protected void dispatch(Submission<?> submission) {
        limit.add(submission);
    }

    private void start(Submission<?> submission) {
        Coroutine coroutine = coroutines.add(submission);
        try {
            boolean now = startsNext == Thread.currentThread();
            if (now) {
                startsNext = null;
            }
            String given = submission.options().name();
            scheduler.start(coroutine, given != null ? given : name() + '-' + coroutine.number(), now);
        } catch (Throwable e) {
            coroutines.remove(coroutine);
            throw e;
        }
    }

    @Override
    protected Future<?> callAfter(Duration delay, Runnable action) {
        return scheduler.after(Timers.nanos(delay), action);
    }

    @Override
    protected Collection<? extends Submission<?>> held() {
        List<Submission<?>> held = new ArrayList<>(limit.waiting());
        held.addAll(coroutines.submissions());
        return held;
    }

    @Override
    protected void forget(Submission<?> submission) {
        if (!limit.isNone()) {
            sweep(limit.waiting());
        }
    }

    @Override
    protected boolean onWorker() {
        return currentOrNull() == this;
    }

    @Override
    protected void aboutToWait(Submission<?> submission) {
        if (!limit.isNone()) { // without a limit, its coroutine gets a turn when the caller waits
            super.aboutToWait(submission);
        }
    }

    @Override
    protected void releaseWorkers() {
        scheduler.finish(this::ended);
    }

    private void ended() {
        LoopWatch.remove(this);
        openResources.close();
        Pool pool;
        synchronized (offloadLock) {
            isOver = true;
            pool = threads;
        }
        if (pool == null) {
            workersReleased();
            return;
        }
        // Not here: this may be the carrier, or a thread of that pool.
        Thread end = Thread.ofPlatform().daemon().name(name() + "-end").unstarted(() -> {
            try {
                pool.close();
            } finally {
                workersReleased();
            }
        });
        try {
            Backend.start(end);
        } catch (Throwable e) { // no thread could be started
            pool.shutdown();
            workersReleased();
        }
    }

    @Override
    protected int aliveWorkers() {
        return isTerminated() ? 0 : coroutines.size();
    }

    @Override
    protected Duration chunkTime() {
        return Duration.ZERO; // tasks of a chunk would wait one after another, not together
    }

    /** Settings of an {@link EventLoop}. */
    public static final class Builder extends PoolBuilder<Builder> {

        private int limit = Integer.MAX_VALUE;
        private @Nullable Pool elsewhere;
        private @Nullable Mechanism mechanism;
        private @Nullable Duration threshold;
        private Consumer<BlockedCoroutine> onBlocked = LoopWatch::logBlocked;
        private Duration quiet = Duration.ZERO;
        private Consumer<String> onDeadlock = LoopWatch::logDeadlock;

        private Builder() {
            super("loop");
        }

        /**
         * Sets how many coroutines may be under way at a time; the others wait to be started. The default is no limit.
         * In a plan: the number after the colon. A loop has one thread with any limit. A {@linkplain #backlog backlog}
         * needs a limit.
         *
         * @param coroutines 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder limit(int coroutines) {
            limit = atLeast("limit", coroutines, 1);
            return this;
        }

        /**
         * Demands a mechanism; the default is {@link Mechanism#SCHEDULER} where that is possible. In a plan: {@code
         * mechanism=scheduler}, {@code mechanism=baton}.
         *
         * @param wanted the mechanism
         * @return this
         */
        public Builder mechanism(Mechanism wanted) {
            mechanism = Objects.requireNonNull(wanted, "mechanism");
            return this;
        }

        private Mechanism mechanismOrBest() {
            if (mechanism != null) {
                return mechanism; // the scheduler's constructor says why it is impossible
            }
            String problem = OwnScheduler.whyNotAvailable();
            if (problem == null) {
                return Mechanism.SCHEDULER;
            }
            Fallbacks.tellOnce(
                    Fallbacks.Missing.OWN_SCHEDULER,
                    "event loops are in fallback mode: blocking calls such as Thread.sleep stop the whole loop; "
                            + problem);
            return Mechanism.BATON;
        }

        /**
         * Logs a warning for each coroutine that holds the loop for longer than this: once, with its stack at that
         * moment. The default is a second, or the value of the system property {@code sennit.loop.watch}. In a plan:
         * {@code watch=100ms}, {@code watch=off}. The loop pays with a counter. A coroutine in a call that blocks its
         * thread, such as one that reads a file, is reported after a tenth of a second already, or some tenths if the
         * loop had been idle.
         *
         * @param newThreshold the limit; zero for no reports
         * @return this
         */
        public Builder watch(Duration newThreshold) {
            threshold = Objects.requireNonNull(newThreshold, "threshold");
            return this;
        }

        /**
         * Reports coroutines that hold the loop for longer than this to a listener.
         *
         * @param newThreshold the limit; zero for no warnings
         * @param listener called in the thread that watches all loops, so it must return soon
         * @return this
         */
        public Builder watch(Duration newThreshold, Consumer<BlockedCoroutine> listener) {
            onBlocked = Objects.requireNonNull(listener, "listener");
            return watch(newThreshold);
        }

        /**
         * Logs a warning when nothing has happened for this long and only another thread can change that: coroutines
         * are left, but none is ready or sleeps, no offloaded task is under way, and no channel of the network is open.
         * The warning comes once, with {@link EventLoop#report}, until something happens again. It may be a false
         * alarm: another thread may be about to wake a coroutine, and a loop in which all coroutines wait for such
         * threads looks the same. The default is zero, no warnings. In a plan: {@code deadlocks=10s}.
         *
         * <p>Deadlocks that {@link EventLoop#report} can prove are logged without this setting, after the time given to
         * {@link #watch}.
         *
         * @param newQuiet how long; zero for no warnings
         * @return this
         */
        public Builder reportDeadlocks(Duration newQuiet) {
            quiet = Objects.requireNonNull(newQuiet, "quiet");
            return this;
        }

        /**
         * Reports proven and possible deadlocks to a listener.
         *
         * @param newQuiet how long nothing must have happened; zero for proven deadlocks only
         * @param listener called in the thread that watches all loops, so it must return soon
         * @return this
         */
        public Builder reportDeadlocks(Duration newQuiet, Consumer<String> listener) {
            onDeadlock = Objects.requireNonNull(listener, "listener");
            return reportDeadlocks(newQuiet);
        }

        private LoopWatch.Settings watch() {
            Duration chosen = threshold != null ? threshold : LoopWatch.defaultThreshold();
            return new LoopWatch.Settings(LoopWatch.nanos(chosen), onBlocked, LoopWatch.nanos(quiet), onDeadlock);
        }

        @Override
        protected Map<String, Consumer<String>> planOptions() {
            Map<String, Consumer<String>> options = super.planOptions();
            options.put("mechanism", value -> mechanism(parseMechanism(value)));
            options.put("watch", value -> watch(LoopWatch.parse("watch", value)));
            options.put("deadlocks", value -> reportDeadlocks(LoopWatch.parse("deadlocks", value)));
            return options;
        }

        private static Mechanism parseMechanism(String value) {
            return switch (value) {
                case "scheduler" -> Mechanism.SCHEDULER;
                case "baton" -> Mechanism.BATON;
                default ->
                    throw new IllegalArgumentException("mechanism must be scheduler or baton, was \"" + value + '"');
            };
        }

        /**
         * Sets the pool on which {@link EventLoop#offload} runs tasks: threads or processes, for example. The loop does
         * not close the pool.
         *
         * @param pool an open pool
         * @return this
         */
        public Builder offloadTo(Pool pool) {
            elsewhere = Objects.requireNonNull(pool, "pool");
            return this;
        }

        @Override
        protected void planArgument(String count) {
            limit(number("limit", count));
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        public EventLoop open() {
            return new EventLoop(this);
        }
    }

    /** Registers {@code loop}. */
    public static final class Provider implements PoolProvider {
        /** For the service loader. */
        public Provider() {}

        @Override
        public String kind() {
            return "loop";
        }

        @Override
        public String syntax() {
            return "loop[:N]";
        }

        @Override
        public Pool open(Plan plan) {
            return builder().plan(plan).open();
        }
    }
}
