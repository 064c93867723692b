package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TaskQueueTest {
    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, String::length);

    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final MemoryBroker broker = new MemoryBroker(clock);
    private final FaultyBroker faulty = new FaultyBroker(broker, 1);
    private final TaskQueue queue = TaskQueue.over(faulty.broker());

    @AfterEach
    void close() {
        queue.close();
        broker.close();
    }

    private TaskView only() {
        List<TaskView> all = broker.search(TaskFilter.ALL, 2);
        assertThat(all).hasSize(1);
        return all.getFirst();
    }

    private void runAll() {
        QueueDrain.run(broker, clock, LENGTH);
    }

    @Test
    void endsFuturesWithResults() {
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc");
        assertThat(future.name()).isEqualTo("length");
        assertThat(future.isDone()).isFalse();
        runAll();
        assertThat(future.join()).isEqualTo(3);
        assertThat(queue.result(LENGTH, only().id()).join()).isEqualTo(3);
    }

    /** A look for lost tasks may begin before a task is enqueued and be answered after it. */
    @Test
    void doesNotLoseTasksThatAreBeingEnqueued() throws Exception {
        TaskFuture<Integer> first = queue.submit(LENGTH, "first");
        var asked = new CountDownLatch(1);
        var submitted = new CountDownLatch(1);
        var looks = new CountDownLatch(3);
        faulty.before("enqueue", () -> await(asked));
        faulty.after("find", () -> {
            looks.countDown();
            if (looks.getCount() == 1) { // of the second task, if it is looked for at all
                asked.countDown();
                await(submitted);
            }
        });
        TaskFuture<Integer> second = queue.submit(LENGTH, "abc");
        submitted.countDown();
        await(looks);
        assertThat(second.isDone()).isFalse();
        runAll();
        assertThat(first.join()).isEqualTo(5);
        assertThat(second.join()).isEqualTo(3);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void failsFuturesOfTasksThatAreNotKnown() {
        TaskFuture<Integer> nonsense = queue.result(LENGTH, "nonsense");
        assertThatThrownBy(nonsense::join).hasCauseInstanceOf(IllegalStateException.class).cause()
                .hasMessageStartingWith("task length (nonsense) is not known to memory:")
                .hasMessageContaining("its transaction was rolled back");
        TaskFuture<Integer> early = queue.result(LENGTH, "soon");
        TaskFuture<Integer> never = queue.result(LENGTH, "never");
        broker.enqueue(Batch.of(QueuedTask.of("length", "\"abc\"".getBytes()).id("soon").build()));
        assertThatThrownBy(never::join).hasCauseInstanceOf(IllegalStateException.class);
        assertThat(early.isDone()).isFalse();
        runAll();
        assertThat(early.join()).isEqualTo(3);
    }

    @Test
    void failsTheFutureOfATaskWhoseTransactionWasRolledBack(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("shop.db");
        try (TaskQueue shop = TaskQueue.open("sqlite:" + file);
                Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
            connection.setAutoCommit(false);
            String id = shop.enqueueIn(connection, LENGTH, "abc", SubmitOptions.NONE);
            connection.rollback();
            assertThatThrownBy(shop.result(LENGTH, id)::join).hasCauseInstanceOf(IllegalStateException.class).cause()
                    .hasMessageContaining("task length (" + id + ") is not known to sqlite:");
            String kept = shop.enqueueIn(connection, LENGTH, "abc", SubmitOptions.NONE);
            connection.commit();
            QueueDrain.run(shop.broker(), clock, LENGTH);
            assertThat(shop.result(LENGTH, kept).join()).isEqualTo(3);
        }
    }

    @Test
    void cancelsTheTaskOfAFuture() {
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc");
        assertThat(future.cancel(false)).isTrue();
        Waiting.until(() -> only().state() == TaskState.CANCELLED);
        runAll();
        assertThat(only().attempts()).isZero();
    }

    @Test
    void cancelsTheTaskWhenTheTimeOfItsFutureIsOver() {
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc");
        future.orTimeout(1, TimeUnit.MILLISECONDS);
        assertThatThrownBy(future::join).hasCauseInstanceOf(TimeoutException.class);
        Waiting.until(() -> only().state() == TaskState.CANCELLED);
    }

    @Test
    void cancelsFuturesOfTasksThatOthersCancel() {
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc");
        assertThat(queue.cancel(only().id())).isEqualTo(TaskState.CANCELLED);
        assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
        assertThat(queue.cancel("nobody")).isNull();
    }

    @Test
    void awaitsTheOtherTaskIfOneIsADuplicate() {
        SubmitOptions unique = SubmitOptions.NONE.unique("one");
        String id = queue.enqueue(LENGTH, "first", unique);
        TaskFuture<Integer> future = queue.submit(LENGTH, "another", unique);
        assertThat(queue.enqueue(LENGTH, "third", unique)).isEqualTo(id);
        assertThat(queue.enqueueAll(LENGTH, List.of("fourth"), unique)).containsExactly(new Enqueued(id, true));
        runAll();
        assertThat(future.join()).isEqualTo(5);
    }

    @Test
    void failsFuturesOfDuplicatesWhoseResultIsNotKept() {
        SubmitOptions unique =
                SubmitOptions.NONE.unique(new Unique("one", Unique.Until.PERIOD_OVER, Duration.ofHours(1)))
                        .resultTtl(Duration.ZERO);
        queue.enqueue(LENGTH, "first", unique);
        runAll();
        clock.advance(Duration.ofSeconds(1));
        broker.upkeep(Upkeep.Limits.USUAL);
        TaskFuture<Integer> future = queue.submit(LENGTH, "another", unique);
        assertThatThrownBy(future::join).hasCauseInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has ended, and its result is not kept");
    }

    @Test
    void failsFuturesOfTasksThatArePurged() {
        faulty.dropsPushes = true;
        CountDownLatch purged = new CountDownLatch(1);
        faulty.before("ended", () -> {
            try {
                purged.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc");
        runAll();
        assertThat(broker.purge(TaskFilter.ALL)).isEqualTo(1);
        purged.countDown();
        assertThatThrownBy(future::join).hasCauseInstanceOf(IllegalStateException.class)
                .hasMessageContaining("its result is not kept");
    }

    @Test
    void cancelsFuturesWhenTheBrokerIsClosed() {
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc");
        broker.close();
        assertThatThrownBy(future::join).isInstanceOf(CancellationException.class)
                .hasStackTraceContaining("was closed before length had ended");
    }

    @Test
    void enqueuesOnceThoughAnAnswerIsLost() {
        AtomicInteger lost = new AtomicInteger(1);
        faulty.after("enqueue", () -> {
            if (lost.getAndDecrement() > 0) {
                throw new BrokerException(BrokerException.Kind.UNAVAILABLE, true, "its answer was lost", null);
            }
        });
        String id = queue.enqueue(LENGTH, "abc");
        assertThat(only().id()).isEqualTo(id);
        lost.set(1);
        queue.enqueueAll(LENGTH, List.of("a", "b"), SubmitOptions.NONE);
        lost.set(1);
        TaskFuture<Integer> future = queue.submit(LENGTH, "abcd");
        assertThat(broker.search(TaskFilter.ALL, 10)).hasSize(4);
        lost.set(2);
        assertThatThrownBy(() -> queue.enqueue(LENGTH, "abc")).isInstanceOf(BrokerException.class)
                .hasMessage("its answer was lost");
        runAll();
        assertThat(future.join()).isEqualTo(4);
    }

    @Test
    void failsFuturesOfTasksThatExpire() {
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc",
                SubmitOptions.NONE.expiresAfter(Duration.ofSeconds(1)));
        clock.advance(Duration.ofSeconds(2));
        broker.upkeep(Upkeep.Limits.USUAL);
        assertThatThrownBy(future::join).isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(TaskFailedException.class).hasMessageContaining("has expired");
    }

    @Test
    void failsFuturesWhoseResultIsNoneOfTheirType() {
        TaskFuture<List<String>> future = queue.submit(
                TaskType.<String, List<String>>named("length", String.class, listClass()), "abc");
        runAll();
        assertThatThrownBy(future::join).hasCauseInstanceOf(TaskDataException.class)
                .hasMessageContaining("the result of length cannot be read as java.util.List");
    }

    @SuppressWarnings("unchecked") // a class knows no more
    private static Class<List<String>> listClass() {
        return (Class<List<String>>) (Class<?>) List.class;
    }

    @Test
    void refusesArgumentsThatAreNoJson() {
        TaskType<Object, Object> any = TaskType.named("any", Object.class, Object.class);
        assertThatThrownBy(() -> queue.submit(any, new Object() {
            public String getName() {
                throw new IllegalStateException("no name");
            }
        })).isInstanceOf(TaskDataException.class).hasMessageContaining("the argument of any cannot be written as JSON");
        assertThat(broker.search(TaskFilter.ALL, 1)).isEmpty();
    }

    @Test
    void looksForEndsThatWereNotTold() {
        faulty.dropsPushes = true;
        TaskFuture<Integer> future = queue.submit(LENGTH, "abc");
        runAll();
        assertThat(future.join()).isEqualTo(3);
    }

    @Test
    void throwsIfTheBrokerHasNotTakenTheTask() {
        faulty.isAway = true;
        assertThatThrownBy(() -> queue.submit(LENGTH, "abc")).isInstanceOf(BrokerException.class)
                .hasMessage("it is away");
        faulty.isAway = false;
        TaskFuture<Integer> other = queue.submit(LENGTH, "ab");
        faulty.isAway = true;
        assertThatThrownBy(() -> queue.submit(LENGTH, "abc")).isInstanceOf(BrokerException.class);
        assertThat(other.isDone()).isFalse();
        faulty.isAway = false;
        runAll();
        assertThat(other.join()).isEqualTo(2);
    }

    @Test
    void letsTasksGoOnWhenItIsClosed() throws InterruptedException {
        TaskFuture<Integer> open = queue.submit(LENGTH, "abc");
        CountDownLatch told = new CountDownLatch(1);
        open.onDone(_ -> told.countDown());
        queue.close();
        told.await();
        assertThat(open.isCancelled()).isTrue();
        assertThat(only().state()).isEqualTo(TaskState.READY);
        assertThatThrownBy(() -> queue.submit(LENGTH, "x")).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
        runAll();
        assertThat(only().state()).isEqualTo(TaskState.SUCCEEDED);
        queue.close();
    }

    @Test
    void addsHeadersOfTheMoment() {
        try (TaskQueue traced = TaskQueue.over(broker, () -> Map.of("trace", "1", "tenant", "none"))) {
            String id = traced.enqueue(LENGTH, "x", SubmitOptions.NONE.header("tenant", "42"));
            assertThat(broker.find(id).orElseThrow().headers()).isEqualTo(Map.of("trace", "1", "tenant", "42"));
        }
    }

    @Test
    void opensByAddress() {
        try (TaskQueue own = TaskQueue.open("memory:opens-by-address")) {
            Broker inside = own.broker();
            own.enqueue(LENGTH, "x");
            assertThat(inside.name()).contains("opens-by-address");
        }
        assertThatThrownBy(() -> TaskQueue.open("nothing:x")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no broker has the scheme nothing: there are memory:[NAME], sqlite:FILE");
        assertThatThrownBy(() -> Broker.open("amqp://localhost"))
                .hasMessageContaining("RabbitMQ's is rabbitmq or, for Celery's queues, celery+amqp; there are memory");
    }
}
