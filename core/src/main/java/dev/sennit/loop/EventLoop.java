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
 * A pool whose tasks are coroutines: all of them on one thread, one at a time, taking turns where they wait: {@code loop}.
 *
 * <p>A coroutine is a virtual thread that only this loop schedules. Ordinary code that waits suspends only its coroutine:
 * {@code Thread.sleep}, locks, queues and futures of {@code java.util.concurrent}, {@code synchronized}, sockets. Between two
 * such places nothing else of the loop runs, so what lies between needs no lock.
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
 * <p>Coroutines go on in the order in which they became able to. Virtual threads that a coroutine starts by itself ({@code
 * Thread.startVirtualThread}, {@code Executors.newVirtualThreadPerTaskExecutor}) are of the loop too.
 *
 * <h2>Context</h2>
 *
 * <p>A coroutine, and what it hands to {@link #offload}, has the scoped values that are bound where it is submitted; they are read
 * with the option that {@link Mechanism#SCHEDULER} needs. {@link dev.sennit.TaskContext} carries other context.
 *
 * <h2>What blocks the loop</h2>
 *
 * <p>Computing; reading and writing files other than by {@link FileStream}, and the streams of a {@code Process}; waiting for the initialization of a class;
 * waiting inside a native call. All others wait meanwhile. Have it done elsewhere: {@link #offload}.
 *
 * <h2>Mechanism</h2>
 *
 * <p>This needs one thing that the JDK does not export, a scheduler of one's own for virtual threads, and so {@code
 * --add-opens java.base/java.lang=dev.sennit} (or {@code =ALL-UNNAMED} with the library on the class path) on the command
 * line of the JVM. Without it the loop falls back: coroutines are ordinary virtual threads of which one at a time is let run. Then
 * a coroutine suspends in every method of Sennit's that waits - futures, {@link #sleep}, {@link dev.sennit.Event}, {@link
 * dev.sennit.JoinableQueue}, channels, streams, shared and managed synchronizers and queues, pipes - and in {@link #suspending}. A
 * blocking call of other code, such as {@code Thread.sleep} or a lock of the JDK's, stops the whole loop, and virtual threads that
 * coroutines start are not of it. {@link #mechanism} returns the mechanism in use, and the first loop that falls back logs one
 * warning, which names the option. What is written for the fallback works with the option, too.
 *
 * <h2>End</h2>
 *
 * <p>As with every pool {@link #close} waits for the coroutines; {@link #shutdownNow} cancels them, which is an interrupt.
 * {@link #run} cancels what is left when its main coroutine has ended.
 *
 * <h2>Memory effects</h2>
 *
 * <p>What a coroutine does in one turn happens before whatever runs in the next.
 */
public final class EventLoop extends AbstractPool {
    static final System.Logger LOG = System.getLogger(EventLoop.class.getName());

    /** How many bytes are read at once. */
    private static final int SCRATCH = 1 << 16;

    private final CoroutineScheduler scheduler;
    private final StartLimit<Submission<?>> limit;
    private final Coroutines coroutines;
    private final @Nullable Pool elsewhere;
    private final Object offloadLock = new Object();
    /** Guarded by offloadLock. Threads of the loop's own, made when first asked for. */
    private @Nullable Pool threads;
    /** For bytes that are read. Only in a turn; holds nothing when the turn ends. Made when first asked for. */
    private @Nullable ByteBuffer scratch;
    /** Guarded by offloadLock. Whether the loop is over, and nothing is offloaded any more. */
    private boolean isOver;
    /** Closed with the loop. */
    final OpenResources openResources = new OpenResources();

    /** How coroutines are made to take turns. */
    public enum Mechanism {
        /** They are virtual threads that the loop schedules: any wait suspends only the coroutine. */
        SCHEDULER,
        /** They are virtual threads that pass on the leave to run: the loop sees only waits that are told to it. */
        BATON
    }

    @SuppressWarnings("this-escape") // the scheduler only keeps the reference
    private EventLoop(Builder settings) {
        super(settings, settings.limit);
        limit = new StartLimit<>(
                settings.limit, this::start, Submission::isQueued, (unstarted, why) -> unstarted.settle(null, why, false));
        coroutines = new Coroutines(limit::ended);
        elsewhere = settings.elsewhere;
        scheduler = settings.mechanismOrBest() == Mechanism.SCHEDULER ? new LoopScheduler(this) : new BatonScheduler(this);
        LoopWatch.add(this, scheduler, settings.watch());
    }

    /**
     * Opens a loop.
     *
     * @return an open loop
     */
    public static EventLoop open() {
        return builder().open();
    }

    /**
     * Starts with the defaults.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Runs a main coroutine on a loop of its own, and waits for it. What it has started and not waited for is cancelled when
     * it ends, and waited for.
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
            return main.join(); // says what came of it
        } catch (java.util.concurrent.ExecutionException e) {
            throw Throwables.completion(Objects.requireNonNullElse(e.getCause(), e));
        }
    }

    /**
     * The loop that runs the calling code.
     *
     * @return the loop
     * @throws IllegalStateException if it is not a coroutine
     */
    public static EventLoop current() {
        EventLoop here = currentOrNull();
        if (here == null) {
            throw new IllegalStateException("thread " + Thread.currentThread() + " is not a coroutine of an event loop");
        }
        return here;
    }

    /**
     * Whether the calling code runs on a loop.
     *
     * @return whether {@link #current} has something to return
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
     * How this loop makes its coroutines take turns.
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
     * Lets those go on that can, and goes on when they have had their turn. Does what {@link Thread#yield} does in a thread
     * that is not a coroutine.
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
     * Sleeps, while others go on. In a thread that is not a coroutine it is {@link Thread#sleep(Duration)}.
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
     * Calls something that may wait in a way which the loop cannot see, and lets others go on meanwhile. Only {@link
     * Mechanism#BATON} needs it: there it gives the turn away before the call, and waits for one after it. In other
     * threads, and with the other mechanism, it does nothing but the call.
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
     * <p>It happens outside of a turn: what it touches must be safe to use from other threads.
     *
     * @param wait what to call
     * @param <T> the type of the result
     * @return its result
     * @throws Exception whatever it throws
     */
    public static <T extends @Nullable Object> T suspending(Callable<T> wait) throws Exception {
        try (var _ = Waits.outOfTurn()) {
            return wait.call();
        }
    }

    /** A direct buffer, empty, for use until the calling coroutine waits or its turn ends. */
    ByteBuffer scratch() {
        ByteBuffer buffer = scratch;
        if (buffer == null) {
            buffer = ByteBuffer.allocateDirect(SCRATCH);
            scratch = buffer;
        }
        return buffer.clear();
    }

    /** Where its coroutines wait for channels. In a turn. */
    LoopSelector selector() throws IOException {
        return scheduler.selector();
    }

    // ---- starting ----

    /**
     * Starts a coroutine that runs at once, until it waits for the first time; only then does the calling coroutine go on.
     * So what it does before its first wait is done when this returns. Called by something else than a coroutine of this
     * loop, it is {@link #submit(Task)}; so it is on a loop with a limit that as many coroutines run on already.
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

    /** Whose next coroutine is to run at once. Only in a turn. */
    private @Nullable Thread startsNext;

    /**
     * Runs an action as a coroutine once a delay is over. For a task with a result there is {@link #submitAfter(Duration, Task)}.
     *
     * @param delay how long not to run it
     * @param action what to run
     * @return its future; cancelling it before the delay is over means that the action never runs
     */
    public TaskFuture<@Nullable Void> after(Duration delay, Action action) {
        return submitAfter(delay, action);
    }

    /**
     * Runs a runnable as a coroutine once a delay is over, as {@link #after(Duration, Action)}.
     *
     * @param delay how long not to run it
     * @param action what to run
     * @return its future
     */
    public TaskFuture<@Nullable Void> after(Duration delay, Runnable action) {
        return submitAfter(delay, action);
    }

    /**
     * Runs an action as a coroutine at some time of day. The delay is worked out now: setting the clock later changes
     * nothing.
     *
     * @param time when; at once if it is past
     * @param action what to run
     * @return its future
     */
    public TaskFuture<@Nullable Void> at(Instant time, Action action) {
        return after(Duration.between(Instant.now(), time), action);
    }

    /**
     * Runs a runnable as a coroutine at some time of day, as {@link #at(Instant, Action)}.
     *
     * @param time when; at once if it is past
     * @param action what to run
     * @return its future
     */
    public TaskFuture<@Nullable Void> at(Instant time, Runnable action) {
        return after(Duration.between(Instant.now(), time), action);
    }

    /**
     * Has something done elsewhere that would block the loop: on the pool that {@link Builder#offloadTo} named, or else on
     * threads of the loop's own, 4 more than there are processors. A coroutine that waits for the future suspends. On a pool of
     * this JVM the task has the scoped values of the coroutine.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> offload(Task<T> task) {
        return submitInheriting(elsewhere(), task);
    }

    /**
     * Has an action done elsewhere, as {@link #offload(Task)}.
     *
     * @param action what to run
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> offload(Action action) {
        return submitInheriting(elsewhere(), action);
    }

    /**
     * Has a callable called elsewhere, as {@link #offload(Task)}.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> offload(Callable<T> task) {
        return submitInheriting(elsewhere(), task);
    }

    /**
     * Has a runnable run elsewhere, as {@link #offload(Task)}.
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
     * Threads of the loop's own, for calls that block. Nobody interrupts them before the loop is over.
     *
     * @throws RejectedExecutionException if the loop is over
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

    /** With offloadLock. */
    private void ensureNotOver() {
        if (isOver) {
            throw new RejectedExecutionException("loop " + name() + " has ended: nothing is offloaded any more");
        }
    }

    // ---- seeing what goes on ----

    /**
     * Which coroutines there are, what each does and where, and which of them has started which. Threads that coroutines
     * have started by themselves are not in it. May be called from anywhere, also while the loop is blocked. It is for
     * people to look at: it reads the stack of each coroutine.
     *
     * @return the tree as it is now
     */
    public CoroutineTree tree() {
        return coroutines.tree(name(), mechanism(), scheduler.running());
    }

    /**
     * All that is known about what goes on, as text: deadlocks, if there are some, then the {@link #tree} with the stack of
     * each coroutine.
     *
     * <p>A deadlock is here a circle of threads, coroutines or not, that wait for locks of {@code
     * java.util.concurrent.locks} which the next one holds, or a wait for such a lock whose holder has ended. That needs
     * {@link Mechanism#SCHEDULER}. Circles of other waits - monitors, semaphores, queues, futures - cannot be proven; the
     * stacks show them.
     *
     * @return several lines
     */
    public String report() {
        String deadlocks = deadlocks();
        return (deadlocks.isEmpty() ? "" : deadlocks + System.lineSeparator()) + tree().withStacks();
    }

    /** A line for each; empty when none can be proven. */
    String deadlocks() {
        return coroutines.deadlocks().stream()
                .map(one -> name() + " - " + one)
                .collect(Collectors.joining(System.lineSeparator()));
    }

    /** Whether there are coroutines that wait for something which is not known to be on its way. */
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

    /** The virtual thread that has its turn. */
    @Nullable Thread running() {
        Thread running = scheduler.running();
        return running != null ? running : coroutines.goingOn();
    }

    /** What to call a thread: the name of its task, if it is a coroutine whose task has one. */
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
        if (!limit.isNone()) { // else its coroutine gets its turn when the calling one waits
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
        } catch (Throwable e) { // no thread to be had
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
        return Duration.ZERO; // a chunk would make tasks wait one after another that could wait together
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
         * How many coroutines may be under way at a time; the others wait to be started. The default is any number. In a plan:
         * the number after the colon. A loop has one thread whatever this is. It is what a {@linkplain #backlog backlog} needs.
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
         * @param wanted which
         * @return this
         */
        public Builder mechanism(Mechanism wanted) {
            mechanism = Objects.requireNonNull(wanted, "mechanism");
            return this;
        }

        private Mechanism mechanismOrBest() {
            if (mechanism != null) {
                return mechanism; // the scheduler says itself why it cannot be
            }
            String problem = OwnScheduler.whyNotAvailable();
            if (problem == null) {
                return Mechanism.SCHEDULER;
            }
            Fallbacks.tellOnce(
                    Fallbacks.Missing.OWN_SCHEDULER,
                    "event loops are in fallback mode: blocking calls such as Thread.sleep stop the whole loop; " + problem);
            return Mechanism.BATON;
        }

        /**
         * Warns of coroutines that hold the loop for longer than this, in the log: each once, with its stack at that moment.
         * The default is a second, or what the system property {@code sennit.loop.watch} says. In a plan: {@code
         * watch=100ms}, {@code watch=off}. It costs the loop a counter. A coroutine in a call that blocks its thread, for a file say, is
         * told of after a tenth of a second already, or some tenths if the loop had been idle.
         *
         * @param newThreshold how long; zero for never
         * @return this
         */
        public Builder watch(Duration newThreshold) {
            threshold = Objects.requireNonNull(newThreshold, "threshold");
            return this;
        }

        /**
         * Tells of coroutines that hold the loop for longer than this.
         *
         * @param newThreshold how long; zero for never
         * @param listener whom to tell, in a thread that is not the loop's and that watches all loops, so not for long
         * @return this
         */
        public Builder watch(Duration newThreshold, Consumer<BlockedCoroutine> listener) {
            onBlocked = Objects.requireNonNull(listener, "listener");
            return watch(newThreshold);
        }

        /**
         * Warns, in the log, when nothing has happened for this long and nothing is going to by itself: coroutines are left,
         * but none is ready or sleeps, nothing was offloaded, and the network is not waited for by the loop. Once, with {@link
         * EventLoop#report}, until something happens again. It may be a false alarm: another thread could be about to wake a
         * coroutine, and a loop in which all coroutines wait for such threads looks like this. The default is zero, never. In
         * a plan: {@code deadlocks=10s}.
         *
         * <p>Deadlocks that {@link EventLoop#report} can prove are told of without this, after the time that {@link #watch}
         * says.
         *
         * @param newQuiet how long; zero for never
         * @return this
         */
        public Builder reportDeadlocks(Duration newQuiet) {
            quiet = Objects.requireNonNull(newQuiet, "quiet");
            return this;
        }

        /**
         * Tells of deadlocks, proven ones and such as they may be.
         *
         * @param newQuiet how long nothing has to happen; zero for proven ones only
         * @param listener whom to tell, in a thread that watches all loops, so not for long
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
         * Where {@link EventLoop#offload} has things done: threads, say, or processes. The loop does not close it.
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
