package dev.sennit.conformance;

import static dev.sennit.conformance.internal.Conditions.await;
import static java.util.concurrent.TimeUnit.MINUTES;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Work;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * What a kind of pool says about itself, and the pools that its tests use.
 *
 * <p>The author of a kind gives its {@link #plan(int)}, and overrides the methods whose default is not true of the
 * kind: each stands for a column of the table "Where the kinds differ" in the Javadoc of {@link Pool}, and the
 * defaults are those of a pool of {@code N} threads in this JVM. Tests that the author adds use the same pools and
 * signals as those of {@link PoolContract}.
 *
 * <p>A test that takes two minutes fails: a pool that never answers does not hang the build. The tests of a class run
 * one after another, whatever JUnit is told of other classes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Execution(ExecutionMode.SAME_THREAD)
@Timeout(value = 2, unit = MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract sealed class KindUnderTest permits PoolCallersContract {
    /** How many seconds a test waits for a result. A safety net: no test is about how long anything takes. */
    protected static final long BOUND = 30;

    private final List<Pool> opened = new ArrayList<>();
    private final Map<String, Pool> shared = new LinkedHashMap<>();
    private final Map<Pool, PoolStatistics> atStart = new HashMap<>();
    private Signals signals;

    /** For the subclasses. */
    protected KindUnderTest() {}

    // ---- what a kind says about itself ----

    /**
     * A plan of this kind, without the options {@code name}, {@code backlog} and {@code full}, which tests add. A kind
     * that takes no number of workers leaves the number out.
     *
     * @param workers how many workers the pool is to have
     * @return such as {@code threads:2}
     */
    protected abstract String plan(int workers);

    /**
     * How many workers the pools of these tests have, unless a test needs one.
     *
     * @return two, unless the kind can have one only
     */
    protected int workers() {
        return 2;
    }

    /**
     * Whether {@code submit} returns before the task has ended.
     *
     * @return false if it runs the task in the calling thread
     */
    protected boolean asynchronous() {
        return true;
    }

    /**
     * Whether any number of tasks runs at once, so that none ever waits for a worker.
     *
     * @return true if the kind's plans without options have no bound
     */
    protected boolean unlimited() {
        return false;
    }

    /**
     * Whether tasks and results are serialized and copied.
     *
     * @return false if they are the same objects on both sides
     */
    protected boolean copiesValues() {
        return false;
    }

    /**
     * Whether a task that ends its JVM fails alone, and a task that ignores interrupts is killed.
     *
     * @return true if each worker is a JVM of its own
     */
    protected boolean isolates() {
        return false;
    }

    /**
     * Whether a task can submit to the pool it runs on.
     *
     * @return false if the pool is not there where its tasks run
     */
    protected boolean canNest() {
        return true;
    }

    /**
     * Whether the processor time of the tasks can be known.
     *
     * @return whether {@link PoolStatistics#cpuTime()} has a value
     */
    protected boolean knowsCpuTime() {
        return true;
    }

    /**
     * Which frames the exception of a task shows.
     *
     * @return those of the task alone, unless the kind adds the submitter's
     */
    protected StackTraces stackTraces() {
        return StackTraces.TASK_ALONE;
    }

    /** What is in the stack trace of a failure. */
    protected enum StackTraces {
        /** The task was called by the submitter. */
        ONE_STACK,
        /** The task's frames; the waiter's are in the exception that {@code get} throws. */
        TASK_ALONE,
        /** The task's frames, then the submitter's. */
        TASK_THEN_SUBMITTER
    }

    /**
     * The option that keeps a worker's memory so small that a task soon exhausts it. Used for kinds that
     * {@linkplain #isolates() isolate}.
     *
     * @return such as {@code heap=64m}
     */
    protected String smallMemory() {
        return "heap=64m";
    }

    /**
     * A plan by which a cancelled task has a minute to clean up before it is killed. Used for kinds that
     * {@linkplain #isolates() isolate}.
     *
     * @param workers how many workers the pool is to have
     * @return {@link #plan(int)}, unless the kind needs an option for that
     */
    protected String planWithTimeToCleanUp(int workers) {
        return plan(workers);
    }

    /**
     * How many seconds the end of a pool may take, at most.
     *
     * @return {@link #BOUND}
     */
    protected long bound() {
        return BOUND;
    }

    /**
     * Whether a failure that the author's tests inject, such as a thread that could not be had, has disturbed the
     * test. Called once, when the test's body is over. Tasks of a disturbed test may wait for a signal that nobody
     * will set, so all pools, the shared ones too, are shut down now; they have to terminate all the same.
     *
     * @return false unless the author's tests inject failures
     */
    protected boolean isDisturbed() {
        return false;
    }

    /**
     * Whether tasks can wait for a worker: all of them can be busy.
     *
     * @return whether the kind is asynchronous and has a limit
     */
    protected final boolean queues() {
        return asynchronous() && !unlimited();
    }

    // ---- pools and signals for a test ----

    /**
     * The pool that tests share. After each test it has to be idle and open.
     *
     * @return a pool by the kind's plan
     */
    protected final Pool pool() {
        return shared("");
    }

    /**
     * A pool with options that tests share.
     *
     * @param options as in {@code backlog=1&full=reject}, or empty
     * @return the same pool for the same options
     */
    protected final Pool shared(String options) {
        return shared(workers(), options);
    }

    /**
     * A pool with that many workers that tests share.
     *
     * @param workers how many workers it has
     * @param options as in {@code backlog=1&full=reject}, or empty
     * @return the same pool for the same arguments
     */
    protected final Pool shared(int workers, String options) {
        Pool pool = shared.computeIfAbsent(plan(workers, options), Pools::open);
        atStart.putIfAbsent(pool, pool.statistics());
        return pool;
    }

    /**
     * What a pool has done in this test.
     *
     * @param pool shared or not
     * @return its statistics, less those it had when the test first asked for it
     */
    protected final PoolStatistics figures(Pool pool) {
        PoolStatistics now = pool.statistics();
        PoolStatistics before = atStart.get(pool);
        return before == null
                ? now
                : new PoolStatistics(
                        now.workers(),
                        now.submitted() - before.submitted(),
                        now.queued() - before.queued(),
                        now.running() - before.running(),
                        now.succeeded() - before.succeeded(),
                        now.failed() - before.failed(),
                        now.cancelled() - before.cancelled(),
                        now.rejected() - before.rejected(),
                        now.retried() - before.retried(),
                        now.workersLost() - before.workersLost(),
                        now.workersRecycled() - before.workersRecycled(),
                        now.queueTime().minus(before.queueTime()),
                        now.runTime().minus(before.runTime()),
                        now.cpuTime(),
                        now.workerPids());
    }

    /**
     * A pool for this test alone. After the test it is shut down, and has to terminate.
     *
     * @param options as in {@code backlog=1&full=reject}, or empty
     * @return an open pool
     */
    protected final Pool open(String options) {
        return open(workers(), options);
    }

    /**
     * A pool with that many workers for this test alone.
     *
     * @param workers how many workers it has
     * @param options as in {@code backlog=1&full=reject}, or empty
     * @return an open pool
     */
    protected final Pool open(int workers, String options) {
        return opened(Pools.open(plan(workers, options)));
    }

    final String plan(int workers, String options) {
        String plan = plan(workers);
        return options.isEmpty() ? plan : plan + (plan.contains("?") ? '&' : '?') + options;
    }

    /**
     * Gives a pool to the end of the test: it is shut down then, and has to terminate.
     *
     * @param pool a pool that the test opened
     * @return the same
     */
    protected final Pool opened(Pool pool) {
        opened.add(pool);
        return pool;
    }

    /**
     * What this test and its tasks tell each other. {@code release} is set when the test has ended.
     *
     * @return the test's own
     */
    protected final Signals signals() {
        return signals;
    }

    /**
     * Called by JUnit.
     *
     * @throws IOException if there is no temporary folder
     */
    @BeforeEach
    public final void newSignals() throws IOException {
        signals = new Signals(Files.createTempDirectory("sennit-contract-").toString());
    }

    /**
     * Called by JUnit: the test's own pools terminate, shared pools are idle and open, and no future is left open.
     *
     * @throws Exception if the wait for that is interrupted
     */
    @AfterEach
    public final void everythingEnds() throws Exception {
        signals.set("release");
        if (isDisturbed()) { // tasks may wait for a signal that the test never came to give
            opened.addAll(shared.values());
            shared.clear();
            signals.set("clean up");
            opened.forEach(Pool::shutdownNow);
        }
        try {
            for (Pool pool : opened) {
                pool.shutdown();
                assertThat(pool.awaitTermination(bound(), SECONDS)).as("%s terminates", pool).isTrue();
                assertThat(unfinished(pool.statistics())).as("open futures of %s", pool).isZero();
            }
            for (Pool pool : List.copyOf(shared.values())) {
                shared.values().removeIf(one -> one == pool && one.isShutdown()); // one test fails, not all after it
                assertThat(pool.isShutdown()).as("%s is open", pool).isFalse();
                await(pool.name() + " is idle").until(() -> unfinished(pool.statistics()) == 0);
            }
        } finally {
            opened.clear();
            atStart.clear();
            await("the folder is gone").until(signals::delete); // cancelled tasks may still be writing
        }
    }

    /** Called by JUnit: closes the pools that tests share. */
    @AfterAll
    public final void closeShared() {
        shared.values().forEach(Pool::close);
    }

    /**
     * Keeps every worker busy until the signal {@code release}.
     *
     * @param pool a pool that is idle
     * @return the futures of the tasks, all of which run by now
     * @throws InterruptedException if the wait for that is interrupted
     */
    protected final List<TaskFuture<Integer>> occupyWorkers(Pool pool) throws InterruptedException {
        var here = signals;
        List<TaskFuture<Integer>> held = new ArrayList<>();
        for (int i = 0; i < pool.workers(); i++) {
            held.add(pool.submit(() -> Work.hold(here)));
        }
        here.awaitCount("held", pool.workers());
        return held;
    }

    /**
     * Every worker takes a task at the same time: none is busy with something old, none was lost.
     *
     * @param pool a pool that is open
     * @throws Exception if a task fails
     */
    protected final void assertAllWorkersServe(Pool pool) throws Exception {
        var here = signals;
        int count = asynchronous() ? unlimited() ? 4 : pool.workers() : 1;
        String where = "meet" + System.nanoTime();
        List<TaskFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(pool.submit(() -> Work.meet(here, where, count)));
        }
        for (TaskFuture<Integer> one : all) {
            assertThat(value(one)).isEqualTo(1);
        }
    }

    /**
     * Waits for a result, {@link #BOUND} at most.
     *
     * @param future of a task that succeeds
     * @param <T> the type of the result
     * @return the result
     * @throws Exception as {@link Future#get(long, java.util.concurrent.TimeUnit)}
     */
    protected static <T> T value(Future<T> future) throws Exception {
        return future.get(BOUND, SECONDS);
    }

    /**
     * Waits for a failure, {@link #BOUND} at most.
     *
     * @param future of a task that fails
     * @return what the task threw
     */
    protected static Throwable failure(Future<?> future) {
        Throwable thrown = catchThrowable(() -> future.get(BOUND, SECONDS));
        assertThat(thrown).isInstanceOf(ExecutionException.class);
        return thrown.getCause();
    }

    static long unfinished(PoolStatistics seen) {
        return seen.queued() + seen.running();
    }

    /**
     * Each task is counted in one state: as many were submitted as wait, run, and have ended.
     *
     * @param seen a snapshot
     */
    protected static void assertAddsUp(PoolStatistics seen) {
        assertThat(seen.submitted())
                .as("%s adds up", seen)
                .isEqualTo(seen.queued() + seen.running() + seen.succeeded() + seen.failed() + seen.cancelled());
        assertThat(List.of(seen.queued(), seen.running(), seen.succeeded(), seen.failed(), seen.cancelled()))
                .as("%s", seen)
                .allMatch(count -> count >= 0);
    }
}
