package dev.sennit.queue.conformance;

import static java.util.concurrent.TimeUnit.MINUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The broker that is tested, and how tests talk to it. The author of a broker gives the abstract methods, and overrides
 * those whose default is not true of the broker.
 *
 * <p>Tests of features that the broker does not have are skipped; one test asserts that it refuses them.
 */
@Execution(ExecutionMode.SAME_THREAD)
@Timeout(value = 2, unit = MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class BrokerUnderTest {
    /** A lease that does not end while a test runs. */
    protected static final Duration LONG = Duration.ofHours(5);

    private static final long BOUND_NANOS = 30_000_000_000L;
    private static final Set<String> TYPES = Set.of("work", "other", "callback");
    /** The address of whoever submits the tasks of the tests. */
    static final String SUBMITTER = "submitter";

    private final List<Broker> opened = new ArrayList<>();
    private @Nullable Broker broker;
    /** What a broker without IDS has told of ends, which it does not keep for those who ask. */
    private Heard told = new Heard();

    /** For the subclasses. */
    protected BrokerUnderTest() {}

    // ---- what a broker says about itself ----

    /**
     * Opens a broker on a store of its own, without tasks. Called once for each test, which closes the broker.
     *
     * @return the broker
     * @throws Exception if that fails
     */
    protected abstract Broker open() throws Exception;

    /**
     * Opens another broker object on the store of the last {@link #open}. That of a broker that is
     * {@link BrokerFeature#DURABLE} may have been closed.
     *
     * @return the broker, or null if there is no such thing; not if it is SHARED or DURABLE
     * @throws Exception if that fails
     */
    protected @Nullable Broker again() throws Exception {
        return null;
    }

    /**
     * Returns what the broker is expected to be able to do.
     *
     * @return the features
     */
    protected abstract Set<BrokerFeature> features();

    /**
     * Lets time pass for the broker: moves the clock that it goes by, or sleeps.
     *
     * @param time how much, several times {@link #unit}
     * @throws Exception if that fails
     */
    protected abstract void pass(Duration time) throws Exception;

    /**
     * Returns whether time passes by {@link #pass} only. If it does not, tests do not look whether something happens
     * too early.
     *
     * @return true, unless a subclass sleeps
     */
    protected boolean isExact() {
        return true;
    }

    /**
     * Returns the time in which tests measure: leases, delays and the like are a few of it. A subclass that sleeps
     * takes a short one, but no shorter than a step of the broker's clock.
     *
     * @return ten seconds, by default
     */
    protected Duration unit() {
        return Duration.ofSeconds(10);
    }

    /**
     * Damages the message of a task in the store, so that it cannot be read.
     *
     * @param id the id of the task
     * @return whether that was done; false by default, as of a broker that keeps objects
     * @throws Exception if that fails
     */
    protected boolean damage(String id) throws Exception {
        return false;
    }

    /**
     * Returns how many tasks the tests of concurrency take.
     *
     * @return 2000, by default: see {@link #crowd}
     */
    protected int concurrentTasks() {
        return crowd(2000);
    }

    /**
     * Returns how large a crowd is: so many, or with {@code -Dsennit.contractPercent=25} a quarter of them, for builds
     * that run often.
     *
     * @param all how many in a build that takes its time
     * @return how many now, at least 1
     */
    protected static int crowd(int all) {
        return (int) Math.max(1, (long) all * Integer.getInteger("sennit.contractPercent", 100) / 100);
    }

    // ---- the broker ----

    /**
     * Opens a broker for a test.
     *
     * @throws Exception if that fails
     */
    @BeforeEach
    public final void openForTest() throws Exception {
        broker = open();
        opened.add(broker);
        if (!has(BrokerFeature.IDS)) {
            told = new Heard();
            broker.subscribe(new BrokerListener.Interest(Set.of(), SUBMITTER, null), told);
        }
    }

    /** Closes all brokers of a test. */
    @AfterEach
    public final void closeAll() {
        opened.reversed().forEach(Broker::close);
        opened.clear();
    }

    /**
     * Returns the broker of this test.
     *
     * @return the broker
     */
    protected final Broker broker() {
        if (broker == null) {
            throw new IllegalStateException("no test runs");
        }
        return broker;
    }

    /** Another broker object on the same store, or null. */
    final @Nullable Broker secondIfAny() throws Exception {
        Broker second = again();
        if (second != null) {
            opened.add(second);
        }
        return second;
    }

    /** Another broker object on the same store; skips the test if there is none. */
    final Broker second() throws Exception {
        Broker second = secondIfAny();
        if (second == null) {
            assertThat(features()).as("again() returns null").doesNotContain(BrokerFeature.SHARED,
                    BrokerFeature.DURABLE);
        }
        assumeTrue(second != null, "there is one broker object for a store");
        return Objects.requireNonNull(second);
    }

    /** Skips the test if the broker does not have all of these. */
    final void needs(BrokerFeature... needed) {
        for (BrokerFeature feature : needed) {
            assumeTrue(features().contains(feature), "the broker has not " + feature);
        }
    }

    final boolean has(BrokerFeature feature) {
        return features().contains(feature);
    }

    final Duration units(double count) {
        return Duration.ofMillis(Math.round(unit().toMillis() * count));
    }

    // ---- tasks ----

    static byte[] json(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte @Nullable [] bytes) {
        return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
    }

    static QueuedTask.Builder task() {
        return task("work");
    }

    static QueuedTask.Builder task(String type) {
        return QueuedTask.of(type, json("1")).replyTo(SUBMITTER);
    }

    static QueuedTask.Builder part(String join, int index) {
        return task().part(new PartOf(join, index));
    }

    static Join joinOf(String id, int size, QueuedTask... onDead) {
        return new Join(id, size, List.of(onDead));
    }

    static Batch batch(List<QueuedTask> tasks, Join... joins) {
        return new Batch(tasks, List.of(joins));
    }

    /** Enqueues a task, which has to be accepted, and returns its id. */
    final String enqueue(QueuedTask.Builder builder) {
        QueuedTask task = builder.build();
        assertThat(broker().enqueue(Batch.of(task))).containsExactly(new Enqueued(task.id(), false));
        return task.id();
    }

    /** Enqueues tasks that have to be accepted. */
    final void enqueueAll(List<QueuedTask> tasks, Join... joins) {
        assertThat(broker().enqueue(batch(tasks, joins))).extracting(Enqueued::isDuplicate).containsOnly(false);
    }

    static ClaimRequest request(int most, Duration lease, String... queues) {
        return new ClaimRequest("worker-1", List.of(queues), TYPES, most, lease);
    }

    final Claimed look(int most) {
        return broker().claim(request(most, LONG, "default"));
    }

    final List<Claim> claim(int most) {
        return look(most).claims();
    }

    final List<Claim> claimOf(Duration lease) {
        return broker().claim(request(1, lease, "default")).claims();
    }

    /** Claims the only task that is ready. */
    final Claim claim() {
        return only(claim(100));
    }

    static Claim only(List<Claim> claims) {
        assertThat(claims).hasSize(1);
        return claims.getFirst();
    }

    /** Claims all that are ready, one at a time. */
    final List<Claim> claimEach() {
        List<Claim> claims = new ArrayList<>();
        for (List<Claim> next = claim(1); !next.isEmpty(); next = claim(1)) {
            claims.addAll(next);
        }
        return claims;
    }

    static List<String> ids(List<Claim> claims) {
        return claims.stream().map(claim -> claim.token().id()).toList();
    }

    final void assertNothingIsReady() {
        assertThat(ids(claim(100))).isEmpty();
    }

    /** Asserts that a task is not ready yet; time that passes by itself may have made it so. */
    final void assertNothingIsReadyYet() {
        if (isExact()) {
            assertNothingIsReady();
        }
    }

    final boolean complete(Claim claim) {
        return complete(claim, "\"done\"");
    }

    final boolean complete(Claim claim, String result) {
        return complete(claim, result, Batch.EMPTY);
    }

    final boolean complete(Claim claim, String result, Batch successors) {
        return complete(claim.token(), result, successors);
    }

    final boolean complete(Token token, String result, Batch successors) {
        List<Boolean> accepted = broker().complete(List.of(new Completion(token, json(result), successors)));
        assertThat(accepted).hasSize(1);
        return accepted.getFirst();
    }

    static ErrorInfo error(String message) {
        return new ErrorInfo("java.io.IOException", message, "at Somewhere.java:1");
    }

    final boolean fail(Claim claim, Failure.Verdict verdict) {
        return fail(claim.token(), verdict);
    }

    final boolean fail(Token token, Failure.Verdict verdict) {
        List<Boolean> accepted = broker().fail(List.of(new Failure(token, error("it broke"), verdict)));
        assertThat(accepted).hasSize(1);
        return accepted.getFirst();
    }

    final boolean retryIn(Claim claim, Duration delay) {
        return fail(claim, new Failure.RetryIn(delay));
    }

    final boolean die(Claim claim) {
        return fail(claim, new Failure.Die(DeadReason.FAILED));
    }

    final boolean giveBack(Claim claim) {
        return fail(claim, new Failure.GiveBack());
    }

    final LeaseState extend(Claim claim, Duration lease) {
        return extend(claim.token(), lease);
    }

    final LeaseState extend(Token token, Duration lease) {
        List<LeaseState> states = broker().extend(List.of(Renewal.of(token)), lease);
        assertThat(states).hasSize(1);
        return states.getFirst();
    }

    final Upkeep upkeep() {
        return broker().upkeep(Upkeep.Limits.USUAL);
    }

    /** Calls upkeep until it says that there is no more to do. */
    final Upkeep upkeep(Upkeep.Limits limits) {
        Upkeep sum = Upkeep.NOTHING;
        for (boolean more = true; more;) {
            Upkeep one = broker().upkeep(limits);
            sum = new Upkeep(sum.takenBack() + one.takenBack(), sum.crashed() + one.crashed(),
                    sum.expired() + one.expired(), sum.unknown() + one.unknown(), sum.removed() + one.removed(),
                    one.more());
            more = one.more();
        }
        return sum;
    }

    // ---- what has become of tasks ----

    /** Returns what is known of a task; needs SEARCH. */
    final TaskView view(String id) {
        return broker().find(id).orElseThrow(() -> new AssertionError("there is no task " + id));
    }

    /** Asserts the state of tasks, as far as the broker can tell. */
    final void assertState(TaskState state, String... ids) {
        for (String id : ids) {
            if (has(BrokerFeature.SEARCH)) {
                assertThat(view(id).state()).as(id).isEqualTo(state);
            }
            List<EndedTask> ended = state.isEnd() || has(BrokerFeature.IDS) ? ends(id) : List.of();
            if (state.isEnd()) {
                assertThat(ended).extracting(EndedTask::state).containsExactly(state);
            } else {
                assertThat(ended).isEmpty();
            }
        }
    }

    /** How a task has ended: as the broker keeps it, or as it has told the submitter, for which this waits. */
    private List<EndedTask> ends(String id) {
        if (has(BrokerFeature.IDS)) {
            return broker().ended(List.of(id));
        }
        try {
            await("the end of " + id + " is told", () -> told.of(id) != null);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        return List.of(Objects.requireNonNull(told.of(id)));
    }

    final EndedTask end(String id) {
        List<EndedTask> ended = ends(id);
        assertThat(ended).extracting(EndedTask::id).containsExactly(id);
        return ended.getFirst();
    }

    final long count(String queue, TaskState state) {
        return broker().counts().stream().filter(counts -> counts.queue().equals(queue))
                .mapToLong(counts -> counts.count(state)).sum();
    }

    // ---- waiting ----

    /** Waits until something is true that is to happen in the background. */
    static void await(String what, Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            if (System.nanoTime() - start > BOUND_NANOS) {
                throw new AssertionError("after 30 s it is not so: " + what);
            }
            Thread.sleep(2);
        }
    }

    /** What a listener has heard. */
    static final class Heard implements BrokerListener {
        final AtomicInteger work = new AtomicInteger();
        final Queue<EndedTask> ends = new ConcurrentLinkedQueue<>();
        final Queue<String> cancels = new ConcurrentLinkedQueue<>();
        final Queue<ControlMessage> messages = new ConcurrentLinkedQueue<>();

        /** Returns the end of a task, or null if nothing was heard of it. */
        @Nullable EndedTask of(String id) {
            return ends.stream().filter(end -> end.id().equals(id)).findFirst().orElse(null);
        }

        @Override
        public void workMayBeReady() {
            work.incrementAndGet();
        }

        @Override
        public void ended(EndedTask end) {
            ends.add(end);
        }

        @Override
        public void cancelRequested(String id) {
            cancels.add(id);
        }

        @Override
        public void control(ControlMessage message) {
            messages.add(message);
        }
    }
}
