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
import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Turns;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
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
 * <h2>What blocks the loop</h2>
 *
 * <p>Computing; reading and writing files, and the streams of a {@code Process}; waiting for the initialization of a class;
 * waiting inside a native call. All others wait meanwhile. Have it done elsewhere: {@link #offload}.
 *
 * <h2>Mechanism</h2>
 *
 * <p>This needs one thing that the JDK does not export, a scheduler of one's own for virtual threads, and so {@code
 * --add-opens java.base/java.lang=dev.sennit} (or {@code =ALL-UNNAMED} with the library on the class path) on the command
 * line of the JVM. Without it coroutines are ordinary virtual threads of which only one at a time is let run: then the
 * loop sees them wait only in Sennit's own methods ({@code TaskFuture.get}, {@link #sleep}, {@link #yieldNow}, ...) and in
 * {@link #suspending}; any other wait holds up the loop, and virtual threads that they start are not of it. {@link #mechanism}
 * tells which of both it is, and a warning is logged when it is the second. What is written for the second works with the
 * first.
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

    private final CoroutineScheduler scheduler;
    private final Coroutines coroutines = new Coroutines();
    private final Object offloadLock = new Object();
    /** Guarded by offloadLock, once it has been asked for; the builder's, or its own. */
    private @Nullable Pool elsewhere;
    /** Guarded by offloadLock. Whether {@link #elsewhere} is closed with the loop. */
    private boolean ownsElsewhere;
    /** Guarded by offloadLock. Whether the loop is over, and nothing is offloaded any more. */
    private boolean isOver;
    /** Closed with the loop. */
    final Belongings belongings = new Belongings();

    /** How coroutines are made to take turns. */
    public enum Mechanism {
        /** They are virtual threads that the loop schedules: any wait suspends only the coroutine. */
        SCHEDULER,
        /** They are virtual threads that pass on the leave to run: the loop sees only waits that are told to it. */
        BATON
    }

    @SuppressWarnings("this-escape") // the scheduler only keeps the reference
    private EventLoop(Builder settings) {
        super(settings, Integer.MAX_VALUE);
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
        try (EventLoop loop = open()) {
            TaskFuture<T> ended = loop.submit(main, TaskOptions.named("main"));
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
            throw new CompletionException(e.getCause());
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
            Turns.Turn mine = Turns.giveUp();
            try {
                Thread.sleep(time);
            } finally {
                Turns.regain(mine);
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
        Turns.Turn mine = Turns.giveUp();
        try {
            return wait.call();
        } finally {
            Turns.regain(mine);
        }
    }

    /** Where its coroutines wait for channels. In a turn. */
    LoopSelector selector() throws IOException {
        return scheduler.selector();
    }

    // ---- starting ----

    /**
     * Starts a coroutine that runs at once, until it waits for the first time; only then does the calling coroutine go on.
     * So what it does before its first wait is done when this returns. Called by something else than a coroutine of this
     * loop, it is {@link #submit(Task)}.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> startNow(Task<T> task) {
        if (!scheduler.isHere()) {
            return submit(task);
        }
        startsNext = Thread.currentThread();
        try {
            return submit(task);
        } finally {
            startsNext = null;
        }
    }

    /** Whose next coroutine is to run at once. Only in a turn. */
    private @Nullable Thread startsNext;

    /**
     * Runs an action as a coroutine once a delay is over.
     *
     * @param delay how long not to run it
     * @param action what to run
     * @return its future; cancelling it before the delay is over means that the action never runs
     */
    public TaskFuture<@Nullable Void> after(Duration delay, Action action) {
        Objects.requireNonNull(action, "action");
        return submitAfter(delay, () -> {
            action.run();
            return null;
        });
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
     * Has something done elsewhere that would block the loop: on the pool that {@link Builder#offloadTo} named, or else on
     * threads of the loop's own, 4 more than there are processors. A coroutine that waits for the future suspends.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> offload(Task<T> task) {
        return elsewhere().submit(task);
    }

    private Pool elsewhere() {
        synchronized (offloadLock) {
            if (isOver) {
                throw new RejectedExecutionException("loop " + name() + " has ended: nothing is offloaded any more");
            }
            Pool pool = elsewhere;
            if (pool == null) {
                int workers = Runtime.getRuntime().availableProcessors() + 4;
                pool = Pools.open("threads:" + workers + "?name=" + name() + "-offload");
                elsewhere = pool;
                ownsElsewhere = true;
            }
            return pool;
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
        Pool pool;
        synchronized (offloadLock) {
            pool = elsewhere;
        }
        return !coroutines.isEmpty()
                && (pool == null || pool.statistics().running() + pool.statistics().queued() == 0);
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
        return coroutines.submissions();
    }

    @Override
    protected boolean onWorker() {
        return currentOrNull() == this;
    }

    @Override
    protected void aboutToWait(Submission<?> submission) {
        // its coroutine gets its turn when the calling one waits
    }

    @Override
    protected void releaseWorkers() {
        scheduler.finish(this::ended);
    }

    private void ended() {
        LoopWatch.remove(this);
        belongings.close();
        Pool pool;
        synchronized (offloadLock) {
            isOver = true;
            pool = ownsElsewhere ? elsewhere : null;
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
            end.start();
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
        private static final AtomicBoolean WARNED = new AtomicBoolean();

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
            if (WARNED.compareAndSet(false, true)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "coroutines take turns by agreement, and hold up their loop in waits that Sennit does not see: " + problem);
            }
            return Mechanism.BATON;
        }

        /**
         * Warns of coroutines that hold the loop for longer than this, in the log: each once, with its stack at that moment.
         * The default is a second, or what the system property {@code sennit.loop.watch} says. In a plan: {@code
         * watch=100ms}, {@code watch=off}. It costs the loop a counter.
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
            throw new IllegalArgumentException("a loop takes no number of workers: it has one thread");
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
            return "loop";
        }

        @Override
        public Pool open(Plan plan) {
            return builder().plan(plan).open();
        }
    }
}
