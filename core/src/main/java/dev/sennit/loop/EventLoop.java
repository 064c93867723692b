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
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
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
    private static final System.Logger LOG = System.getLogger(EventLoop.class.getName());

    private final CoroutineScheduler scheduler;
    /** Strong references: nothing that was submitted is ever lost. */
    private final Set<Coroutine> coroutines = ConcurrentHashMap.newKeySet();
    private final AtomicLong started = new AtomicLong();
    private final Object offloadLock = new Object();
    /** Guarded by offloadLock, once it has been asked for; the builder's, or its own. */
    private @Nullable Pool elsewhere;
    /** Guarded by offloadLock. Whether {@link #elsewhere} is closed with the loop. */
    private boolean ownsElsewhere;

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
        scheduler = new LoopScheduler(this);
    }

    /** One coroutine: a submission and its thread. */
    private final class Coroutine implements Runnable {
        private final Submission<?> submission;
        private final int hash = (int) started.incrementAndGet() * 0x9E3779B9; // far cheaper than that of an identity

        Coroutine(Submission<?> submission) {
            this.submission = submission;
        }

        @Override
        public void run() {
            try {
                submission.run();
            } finally {
                coroutines.remove(this);
            }
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }
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

    static @Nullable EventLoop currentOrNull() {
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
            Thread.sleep(time);
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
        EventLoop here = currentOrNull();
        return here == null ? wait.call() : here.scheduler.suspending(wait);
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
        nextStartsNow = true;
        try {
            return submit(task);
        } finally {
            nextStartsNow = false;
        }
    }

    /** Whether the coroutine that is being submitted is to run at once. Only in a turn. */
    private boolean nextStartsNow;

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

    // ---- what AbstractPool asks for ----

    @Override
    protected void dispatch(Submission<?> submission) {
        var coroutine = new Coroutine(submission);
        coroutines.add(coroutine);
        try {
            Thread thread = scheduler.newCoroutine(coroutine);
            thread.setName(name() + '-' + started.get());
            if (nextStartsNow && scheduler.isHere()) {
                nextStartsNow = false;
                scheduler.startNow(thread);
            } else {
                scheduler.start(thread);
            }
        } catch (Throwable e) {
            coroutines.remove(coroutine);
            throw e;
        }
    }

    @Override
    protected Future<?> callAfter(Duration delay, Runnable action) {
        return scheduler.at(System.nanoTime() + Timers.nanos(delay), action);
    }

    @Override
    protected Collection<? extends Submission<?>> held() {
        return coroutines.stream().<Submission<?>>map(one -> one.submission).toList();
    }

    @Override
    protected boolean onWorker() {
        return scheduler.isHere();
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
        Pool pool;
        synchronized (offloadLock) {
            pool = ownsElsewhere ? elsewhere : null;
        }
        if (pool != null) {
            pool.close();
        }
        workersReleased();
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
        private @Nullable Pool elsewhere;

        private Builder() {
            super("loop");
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
