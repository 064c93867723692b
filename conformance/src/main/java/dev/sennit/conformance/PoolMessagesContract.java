package dev.sennit.conformance;

import static dev.sennit.conformance.internal.Conditions.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.RetryExhaustedException;
import dev.sennit.TaskFuture;
import dev.sennit.TaskMessages;
import dev.sennit.TaskOptions;
import dev.sennit.TaskScope;
import dev.sennit.TaskSerializationException;
import dev.sennit.TaskStop;
import dev.sennit.conformance.internal.Work;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * The contract between a task that runs and its submitter: the messages of the task, and the submitter's request to
 * come to an end. A part of {@link PoolContract}, which says how its tests are written.
 */
@SuppressWarnings("CheckReturnValue") // of calls that are to fail
public abstract sealed class PoolMessagesContract extends PoolServicesContract permits PoolContract {
    /** For the subclasses. */
    protected PoolMessagesContract() {}

    // ---- messages ----

    private static boolean say(String text) {
        return TaskMessages.send(text.getBytes(UTF_8));
    }

    private static int count(int upTo) {
        for (int i = 1; i <= upTo; i++) {
            say("message " + i);
        }
        return upTo;
    }

    private static List<String> counted(int upTo) {
        return IntStream.rangeClosed(1, upTo).mapToObj(i -> "message " + i).toList();
    }

    private static TaskOptions into(List<String> heard) {
        return TaskOptions.NONE.onMessage(message -> heard.add(new String(message, UTF_8)));
    }

    @Test
    public void messagesComeInTheirOrderAndBeforeTheEnd() throws Exception {
        List<List<String>> heard = new ArrayList<>();
        List<TaskFuture<Integer>> futures = new ArrayList<>();
        List<Integer> atTheEnd = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 50; i++) {
            List<String> ofOne = new CopyOnWriteArrayList<>();
            heard.add(ofOne);
            futures.add(pool().submit(() -> count(10), into(ofOne)).onDone(future -> atTheEnd.add(ofOne.size())));
        }
        for (int i = 0; i < 50; i++) {
            assertThat(value(futures.get(i))).isEqualTo(10);
            assertThat(heard.get(i)).isEqualTo(counted(10));
        }
        await("all callbacks").until(() -> atTheEnd.size() == 50);
        assertThat(atTheEnd).containsOnly(10);
    }

    /** A thread that waits may take the answer itself, where that is cheap: it must not come before a message. */
    @Test
    public void whoWaitsForTheFutureHasTheMessages() throws Exception {
        for (int i = 0; i < 200; i++) {
            List<String> heard = new ArrayList<>(); // the future's end makes it visible
            pool().submit(() -> say("one") & say("two"), into(heard)).join();
            assertThat(heard).containsExactly("one", "two");
        }
    }

    @Test
    public void aTaskThatFailsHasSentWhatItHasSent() {
        List<String> heard = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> future = pool().submit(() -> count(3) + Work.failDeep(0), into(heard));
        assertThat(failure(future)).isInstanceOf(IllegalStateException.class);
        assertThat(heard).isEqualTo(counted(3));
    }

    @Test
    public void aTaskKnowsWhetherItIsHeard() throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 5; i++) {
            TaskFuture<Boolean> unheard = pool().submit(() -> say("to nobody"));
            TaskFuture<Boolean> named = pool().submit(() -> say("to nobody"), TaskOptions.named("not heard"));
            assertThat(value(pool().submit(() -> say("to somebody"), into(heard).name("heard")))).isTrue();
            assertThat(value(unheard)).isFalse();
            assertThat(value(named)).isFalse();
        }
        assertThat(heard).hasSize(5).containsOnly("to somebody");
        assertThat(pool().map(item -> say("item " + item), List.of(1, 2))).containsExactly(false, false);
    }

    /** Ten megabytes; who sends is slowed down, and nothing is lost. */
    @Test
    public void manyMessagesComeToASlowListener() throws Exception {
        var next = new AtomicInteger();
        var wrong = new AtomicInteger();
        var options = TaskOptions.NONE.onMessage(message -> {
            Work.spin(10_000);
            boolean isNext = message.length == 1024 && ByteBuffer.wrap(message).getInt(512) == next.getAndIncrement();
            if (!isNext) {
                wrong.incrementAndGet();
            }
        });
        TaskFuture<Integer> sender = pool().submit(() -> sendNumbered(10_000, 1024), options);
        assertThat(value(sender)).isEqualTo(10_000);
        assertThat(next).hasValue(10_000);
        assertThat(wrong).hasValue(0);
    }

    private static int sendNumbered(int count, int length) {
        byte[] message = new byte[length];
        for (int i = 0; i < count; i++) {
            TaskMessages.send(ByteBuffer.wrap(message).putInt(length / 2, i).array());
        }
        return count;
    }

    @Test
    public void messagesMayBeEmptyOrLarge() throws Exception {
        List<Integer> lengths = new CopyOnWriteArrayList<>();
        var options = TaskOptions.NONE.onMessage(message -> {
            if (message.length == 0 || message[message.length - 1] == 7) {
                lengths.add(message.length);
            }
        });
        List<Integer> sent = List.of(0, 1, 100, 65_535, 65_536, 65_537, 262_144, 262_145, 1_000_000, 1 << 20, 3);
        value(pool().submit(() -> sent.forEach(PoolMessagesContract::sendEndingInSeven), options));
        assertThat(lengths).isEqualTo(sent);

        lengths.clear();
        value(pool().submit(() -> IntStream.range(0, 30).forEach(i -> sendEndingInSeven(1 << 20)), options));
        assertThat(lengths).hasSize(30).containsOnly(1 << 20);

        TaskFuture<Boolean> tooLarge = pool().submit(() -> TaskMessages.send(new byte[(1 << 20) + 1]), options);
        assertThat(failure(tooLarge)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("message must have at most 1048576 bytes, had 1048577");
    }

    private static void sendEndingInSeven(int length) {
        byte[] message = new byte[length];
        if (length > 0) {
            message[length - 1] = 7;
        }
        TaskMessages.send(message);
    }

    @Test
    public void aListenerThatThrowsHarmsNobody() throws Exception {
        var calls = new AtomicInteger();
        var options = TaskOptions.NONE.onMessage(message -> {
            if (calls.incrementAndGet() % 2 == 0) {
                throw new IllegalStateException("of a listener");
            }
            throw new AssertionError("of a listener");
        });
        assertThat(value(pool().submit(() -> count(4), options))).isEqualTo(4);
        assertThat(calls).hasValue(4);
        assertAllWorkersServe(pool());
        assertThat(figures(pool()).workersLost()).isZero();
    }

    @Test
    public void theAttemptsAtATaskHaveOneListener() {
        var here = signals();
        List<String> heard = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> future =
                pool().submit(() -> sayAndFail(here), into(heard).retry(Retry.attempts(3)));
        assertThat(failure(future)).isInstanceOf(RetryExhaustedException.class);
        assertThat(heard).containsExactly("1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends");
    }

    private static int sayAndFail(Signals signals) {
        signals.mark("attempt");
        int attempt = signals.count("attempt");
        if (!say(attempt + " begins") || !say(attempt + " ends")) {
            throw new AssertionError("attempt " + attempt + " is not heard");
        }
        throw new IllegalStateException("attempt " + attempt);
    }

    @Test
    public void whatComesAfterTheFutureIsDoneIsDropped() throws Exception {
        if (!asynchronous()) {
            return; // the future is there once the task has ended
        }
        var here = signals();
        List<String> heard = new CopyOnWriteArrayList<>();
        TaskFuture<Boolean> future = pool().submit(() -> {
            say("before");
            here.await("it may go on");
            count(100);
            here.set("it has gone on");
            return true;
        }, into(heard));
        await("the message").until(() -> !heard.isEmpty());
        future.cancel(false);
        here.set("it may go on");
        here.await("it has gone on");
        assertThat(future.awaitEnd(BOUND, SECONDS)).isTrue();
        assertThat(heard).containsExactly("before");
    }

    /** An interrupt in the middle of a message takes no worker with it, and no later task hears of it. */
    @Test
    public void aTaskThatSendsCanBeCancelled() throws Exception {
        if (!asynchronous()) {
            return; // the future is there once the task has ended
        }
        Pool pool = opened(Pools.open(planWithTimeToCleanUp(workers())));
        assertAllWorkersServe(pool);
        List<Long> pids = pool.statistics().workerPids();
        for (int i = 0; i < 20; i++) {
            var calls = new AtomicInteger();
            TaskFuture<Integer> endless = pool.submit(
                    () -> sendUntilInterrupted(), TaskOptions.NONE.onMessage(message -> calls.incrementAndGet()));
            int some = 1 + i % 3;
            await("some messages").until(() -> calls.get() >= some);
            assertThat(endless.cancel(true)).isTrue();
            assertThat(endless.awaitEnd(BOUND, SECONDS)).isTrue();
            assertThat(value(pool.submit(Work::seesInterrupt))).isFalse();
        }
        assertThat(pool.statistics().workerPids()).isEqualTo(pids);
        assertAllWorkersServe(pool);
    }

    private static int sendUntilInterrupted() {
        byte[] message = new byte[10_000];
        int rounds = 0;
        while (!Thread.currentThread().isInterrupted()) {
            TaskMessages.send(message);
            Thread.yield(); // where a coroutine has to, in order to let others go on
            rounds++;
        }
        return rounds;
    }

    @Test
    public void anInterruptOutlastsAMessage() throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        TaskFuture<Boolean> future = pool().submit(() -> {
            Thread.currentThread().interrupt();
            say("while interrupted");
            return Thread.interrupted();
        }, into(heard));
        assertThat(value(future)).isTrue();
        assertThat(heard).containsExactly("while interrupted");
    }

    /** A task that waits for another may run it: what that says is not its own. */
    @Test
    public void theMessagesOfATaskInsideAnotherAreItsOwn() throws Exception {
        List<String> outer = new CopyOnWriteArrayList<>();
        List<String> inner = new CopyOnWriteArrayList<>();
        Pool pool = shared(1, "");
        if (!canNest()) {
            assertThatThrownBy(() -> pool.submit(() -> pool.submit(() -> say("inner")).join(), into(outer)))
                    .isInstanceOf(TaskSerializationException.class);
            return;
        }
        TaskFuture<Boolean> future = pool.submit(() -> {
            say("before");
            boolean isHeard = pool.submit(() -> say("inner"), into(inner)).join();
            say("between");
            boolean isNot = pool.submit(() -> say("unheard")).join();
            say("after");
            return isHeard && !isNot;
        }, into(outer));
        assertThat(value(future)).isTrue();
        assertThat(outer).containsExactly("before", "between", "after");
        assertThat(inner).containsExactly("inner");
    }

    /** The listener of one task waits for another task of the pool, which has one worker. */
    @Test
    public void aListenerMayWaitForATaskOfItsPool() throws Exception {
        Pool pool = shared(1, "");
        List<Integer> answers = new CopyOnWriteArrayList<>();
        var options = TaskOptions.NONE.onMessage(message -> answers.add(pool.submit(() -> 6 * 7).join()));
        assertThat(value(pool.submit(() -> count(1), options))).isEqualTo(1);
        await("the answer").until(() -> answers.equals(List.of(42)));
    }

    @Test
    public void theTasksOfAScopeAreHeard() throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        try (var scope = TaskScope.open(pool())) {
            scope.fork(() -> count(3), into(heard));
            scope.join();
            assertThat(heard).isEqualTo(counted(3));
        }
    }

    @Test
    public void aTaskThatRunsInItsCallerIsHeardAndAsked() throws Exception {
        if (!queues()) {
            return; // none runs there because the pool is full
        }
        Pool pool = open(1, "backlog=0&full=caller-runs");
        occupyWorkers(pool);
        List<String> heard = new ArrayList<>();
        TaskFuture<Boolean> future = pool.submit(() -> say("in the caller") & !TaskStop.isRequested(), into(heard));
        assertThat(future.resultNow()).isTrue();
        assertThat(heard).containsExactly("in the caller");
        assertThat(say("outside")).isFalse();
    }

    // ---- requests to stop ----

    @Test
    public void nobodyIsAskedToStopUnlessAsked() throws Exception {
        assertThat(value(pool().submit(() -> TaskStop.isRequested() || TaskStop.signal().getAsBoolean()))).isFalse();
        assertThat(TaskStop.isRequested()).isFalse();
    }

    private static String untilStopped(Signals signals) {
        signals.mark("runs");
        while (!TaskStop.isRequested()) {
            if (signals.areGone()) {
                return "was not asked";
            }
            Thread.yield();
        }
        return Thread.currentThread().isInterrupted() ? "interrupted" : "asked";
    }

    @Test
    public void aTaskThatIsAskedToStopEndsByItself() throws Exception {
        if (!asynchronous()) {
            return; // the future is there once the task has ended
        }
        var here = signals();
        for (int i = 1; i <= 5; i++) {
            TaskFuture<String> future = pool().submit(() -> untilStopped(here));
            here.awaitCount("runs", i);
            assertThat(future).isNotDone();
            future.requestStop();
            future.requestStop();
            assertThat(value(future)).isEqualTo("asked");
            assertThat(value(pool().submit(() -> TaskStop.isRequested()))).isFalse();
        }
        assertThat(figures(pool()).cancelled()).isZero();
    }

    @Test
    public void aTaskThatDoesNotAskGoesOn() throws Exception {
        if (!asynchronous()) {
            return; // the future is there once the task has ended
        }
        var here = signals();
        TaskFuture<Integer> future = pool().submit(() -> Work.hold(here));
        here.awaitCount("held", 1);
        future.requestStop();
        here.set("release");
        assertThat(value(future)).isEqualTo(1);
        assertThat(here.count("interrupted")).isZero();
    }

    @Test
    public void aTaskThatHasNotBegunIsAskedWhenItBegins() throws Exception {
        if (!asynchronous()) {
            return; // the future is there once the task has ended
        }
        TaskFuture<Boolean> delayed = pool().submitAfter(Duration.ofMillis(20), () -> TaskStop.isRequested());
        delayed.requestStop();
        assertThat(value(delayed)).isTrue();
        if (!queues()) {
            return; // none waits
        }
        var here = signals();
        Pool pool = pool();
        List<TaskFuture<Integer>> held = occupyWorkers(pool);
        List<TaskFuture<Boolean>> waiting = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            waiting.add(pool.submit(() -> TaskStop.isRequested()));
        }
        for (int i = 0; i < 40; i += 3) {
            waiting.get(i).requestStop();
        }
        here.set("release");
        for (TaskFuture<Integer> one : held) {
            assertThat(value(one)).isEqualTo(1);
        }
        for (int i = 0; i < 40; i++) {
            assertThat(value(waiting.get(i))).as("task %s", i).isEqualTo(i % 3 == 0);
        }
    }

    /** The next tasks are short, so that some of them wait in the worker already, where the kind does that. */
    @Test
    public void aRequestReachesTheRightOneOfManyTasks() throws Exception {
        Pool pool = shared(1, "");
        List<TaskFuture<Boolean>> futures = new ArrayList<>();
        List<Boolean> asked = new ArrayList<>();
        for (int i = 0; i < 2_000; i++) {
            TaskFuture<Boolean> future = pool.submit(() -> TaskStop.isRequested());
            boolean isAsked = i % 7 == 3;
            if (isAsked) {
                future.requestStop();
            }
            futures.add(future);
            asked.add(isAsked);
        }
        for (int i = 0; i < futures.size(); i++) {
            if (!asked.get(i)) {
                assertThat(value(futures.get(i))).as("task %s", i).isFalse();
            } else {
                value(futures.get(i)); // the request may have come too late
            }
        }
    }

    @Test
    public void aRequestAfterTheEndChangesNothing() throws Exception {
        Pool pool = shared(1, "");
        TaskFuture<Integer> succeeded = pool.submit(() -> 42);
        TaskFuture<Integer> failed = pool.submit(() -> Work.failDeep(0));
        value(succeeded);
        failure(failed);
        for (TaskFuture<?> future : List.of(succeeded, failed)) {
            future.requestStop();
            future.requestStop();
        }
        assertThat(value(succeeded)).isEqualTo(42);
        for (int i = 0; i < 20; i++) {
            assertThat(value(pool.submit(() -> TaskStop.isRequested()))).isFalse();
        }
        if (asynchronous()) {
            var here = signals();
            TaskFuture<Integer> cancelled = pool.submit(() -> Work.hold(here));
            cancelled.cancel(true);
            cancelled.requestStop();
            assertThatThrownBy(cancelled::get).isInstanceOf(CancellationException.class);
            assertThat(value(pool.submit(() -> TaskStop.isRequested()))).isFalse();
        }
    }

    @Test
    public void eachAttemptAtATaskIsAskedToStop() throws Exception {
        if (!asynchronous()) {
            return; // the future is there once the task has ended
        }
        var here = signals();
        TaskFuture<Integer> future =
                pool().submit(() -> attemptUntilStopped(here), TaskOptions.NONE.retry(Retry.attempts(3)));
        here.awaitCount("attempt", 1);
        future.requestStop();
        assertThat(value(future)).isEqualTo(3);
    }

    /** The first waits for the request, the second fails, the third returns. */
    private static int attemptUntilStopped(Signals signals) throws InterruptedException {
        signals.mark("attempt");
        int attempt = signals.count("attempt");
        var stop = TaskStop.signal();
        while (attempt == 1 && !stop.getAsBoolean() && !signals.areGone()) {
            Thread.yield();
        }
        if (attempt < 3 || !stop.getAsBoolean() || !TaskStop.isRequested()) {
            throw new IllegalStateException("attempt " + attempt + ", asked: " + stop.getAsBoolean());
        }
        return attempt;
    }

    @Test
    public void theSignalIsForAnyThreadOfTheTask() throws Exception {
        if (!asynchronous()) {
            return; // the future is there once the task has ended
        }
        var here = signals();
        TaskFuture<Boolean> future = pool().submit(() -> {
            var stop = TaskStop.signal();
            var own = Thread.ofPlatform().start(() -> {
                here.mark("runs");
                while (!stop.getAsBoolean() && !here.areGone()) {
                    Thread.onSpinWait();
                }
                here.set(TaskStop.isRequested() ? "by itself" : "by the signal");
            });
            while (!here.isSet("by the signal") && !here.isSet("by itself")) {
                Thread.yield();
            }
            own.join();
            return stop.getAsBoolean();
        });
        here.awaitCount("runs", 1);
        future.requestStop();
        assertThat(value(future)).isTrue();
        assertThat(here.isSet("by the signal")).isTrue();
    }

    @Test
    public void aTaskInsideAnotherIsAskedForItself() throws Exception {
        if (!canNest() || !asynchronous()) {
            return; // tasksThatWaitForTasksOfTheirPoolDoNotStarveIt shows that it is refused
        }
        var here = signals();
        Pool pool = shared(1, "");
        TaskFuture<List<Boolean>> outer = pool.submit(() -> {
            here.mark("runs");
            while (!TaskStop.isRequested()) {
                Thread.yield();
            }
            TaskFuture<Boolean> unasked = pool.submit(() -> TaskStop.isRequested());
            boolean first = unasked.join();
            TaskFuture<Boolean> asked = pool.submitAfter(Duration.ofMillis(1), () -> {
                while (!here.isSet("asked")) { // it may begin before it is asked
                    Thread.yield();
                }
                return TaskStop.isRequested();
            });
            asked.requestStop();
            here.set("asked");
            return List.of(first, asked.join(), TaskStop.isRequested());
        });
        here.awaitCount("runs", 1);
        outer.requestStop();
        assertThat(value(outer)).containsExactly(false, true, true);
    }
}
