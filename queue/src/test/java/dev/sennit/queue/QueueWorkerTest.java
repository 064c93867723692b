package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class QueueWorkerTest {
    /** No worker finds by chance what it was to be told. */
    private static final Duration NEVER = Duration.ofHours(1);

    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, String::length);

    private final MemoryBroker broker = new MemoryBroker();
    private final TaskQueue queue = TaskQueue.over(broker);

    @AfterEach
    void close() {
        queue.close();
        broker.close();
    }

    private QueueWorker.Builder worker(TaskType<?, ?>... types) {
        return QueueWorker.builder(broker).types(types).on("threads:2").providers(null).seed(1).poll(NEVER)
                .drainLimit(Duration.ofSeconds(5));
    }

    private TaskView find(String id) {
        return broker.find(id).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "threads:1-4", "virtual", "virtual:3", "loop"})
    void runsTasksOnAllKindsOfThisJvm(String plan) {
        try (QueueWorker worker = worker(LENGTH).on(plan).start()) {
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                all.add(queue.submit(LENGTH, "x".repeat(i)));
            }
            for (int i = 0; i < 200; i++) {
                assertThat(all.get(i).join()).isEqualTo(i);
            }
            worker.drain().join();
            QueueWorker.Status status = worker.status();
            assertThat(status.succeeded()).isEqualTo(200);
            assertThat(status.state()).isEqualTo(QueueWorker.State.ENDED);
            assertThat(status.runs()).isEmpty();
        }
        assertThat(broker.workers()).isEmpty();
        Waiting.until(() -> Thread.getAllStackTraces().keySet().stream().noneMatch(
                thread -> thread.getName().startsWith("sennit-queue-worker-")));
    }

    @Test
    void retriesAsThePolicySays() {
        AtomicInteger runs = new AtomicInteger();
        TaskType<String, String> flaky = TaskType.of("flaky", String.class, (text, run) -> {
            assertThat(run.failures()).isEqualTo(runs.get());
            if (runs.incrementAndGet() < 3) {
                throw new IOException("not yet");
            }
            return text + run.attempt();
        });
        try (QueueWorker _ = worker(flaky).start()) {
            var options = SubmitOptions.NONE.retry(RetryPolicy.attempts(3).waiting(Duration.ofMillis(1)));
            assertThat(queue.submit(flaky, "ok", options).join()).isEqualTo("ok3");
        }
    }

    @Test
    void isUnhealthyWhileARunIsSilentForTooLong() throws InterruptedException {
        CountDownLatch mayTell = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        TaskType<String, String> silent = TaskType.of("silent", String.class, (text, run) -> {
            mayTell.await();
            run.progress(1, 2, "");
            mayEnd.await();
            return text;
        });
        VirtualClock clock = VirtualClock.standing(VirtualClock.START);
        try (QueueWorker worker = worker(silent).time(clock).silenceLimit(Duration.ofMinutes(1)).start()) {
            TaskFuture<String> future = queue.submit(silent, "end");
            Waiting.until(() -> !worker.status().runs().isEmpty());
            assertThat(worker.status().isHealthy()).isTrue();
            clock.advance(Duration.ofSeconds(61));
            assertThat(worker.status().problems()).singleElement().asString()
                    .matches("task silent \\(.+\\) has told no progress for 61 s");
            mayTell.countDown();
            Waiting.until(() -> worker.status().isHealthy());
            mayEnd.countDown();
            assertThat(future.join()).isEqualTo("end");
            assertThat(worker.status().isHealthy()).isTrue();
            var ended = worker.drain();
            Waiting.until(() -> {
                clock.advance(Duration.ofMillis(1));
                return ended.isDone();
            });
        }
    }

    @Test
    void givesUpAfterTheLastAttempt() {
        TaskType<String, String> fails = TaskType.of("fails", String.class, text -> {
            throw new IOException("the disk is " + text);
        });
        try (QueueWorker worker = worker(fails).start()) {
            var options = SubmitOptions.NONE.retry(RetryPolicy.attempts(2).waiting(Duration.ofMillis(1)));
            TaskFuture<String> future = queue.submit(fails, "full", options);
            assertThatThrownBy(future::join).isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(TaskFailedException.class)
                    .hasMessageContaining("has failed after 2 attempts: java.io.IOException: the disk is full");
            worker.drain().join();
            assertThat(worker.status().failed()).isEqualTo(2);
        }
    }

    @Test
    void neverRepeatsAfterCertainExceptionsTheirSubclassesAndCauses() {
        TaskType<String, String> fails = TaskType.of("fails", String.class, text -> {
            throw new IllegalStateException("outer", new UncheckedIOException(new java.io.FileNotFoundException(text)));
        });
        try (QueueWorker _ = worker(fails).start()) {
            var options = SubmitOptions.NONE
                    .retry(RetryPolicy.attempts(5).neverAfter(List.of("java.io.IOException")));
            assertThatThrownBy(queue.submit(fails, "x", options)::join).hasMessageContaining("after 1 attempt:");
        }
    }

    @Test
    void endsWhatItCannotReadAtOnce() {
        TaskType<Integer, Integer> number = TaskType.of("length", Integer.class, n -> n);
        try (QueueWorker _ = worker(number).start()) {
            TaskFuture<Integer> future = queue.submit(LENGTH, "no number",
                    SubmitOptions.NONE.retry(RetryPolicy.attempts(5)));
            assertThatThrownBy(future::join).satisfies(e -> {
                TaskFailedException failure = (TaskFailedException) e.getCause();
                assertThat(failure.end().reason()).isEqualTo(DeadReason.UNREADABLE);
                assertThat(failure.end().error().message()).contains("argument of length");
            });
        }
    }

    @Test
    void refusesResultsThatAreTooLarge() {
        TaskType<Integer, String> large = TaskType.of("large", Integer.class, n -> "x".repeat(n));
        try (QueueWorker _ = worker(large).mostResultBytes(100).start()) {
            assertThat(queue.submit(large, 98).join()).hasSize(98);
            assertThatThrownBy(queue.submit(large, 99)::join)
                    .hasMessageContaining("the result of large has 101 bytes, more than the limit of 100");
        }
    }

    @Test
    @SuppressWarnings("unchecked") // as types() says
    void passesVoidAndGenericArguments() {
        TaskType<Void, String> none = TaskType.of("none", Void.class, nothing -> "was " + nothing);
        TaskType<List<Map<String, Integer>>, Integer> sum = TaskType.<List<Map<String, Integer>>, Integer>of("sum",
                (Class<List<Map<String, Integer>>>) (Class<?>) List.class,
                maps -> maps.stream().flatMap(map -> map.values().stream()).mapToInt(n -> n).sum())
                .types(new KeptType(List.class, null, new java.lang.reflect.Type[] {
                    new KeptType(Map.class, null, new java.lang.reflect.Type[] {String.class, Integer.class})}),
                        Integer.class);
        try (QueueWorker _ = worker(none, sum).start()) {
            assertThat(queue.submit(none, null).join()).isEqualTo("was null");
            assertThat(queue.submit(sum, List.of(Map.of("a", 1), Map.of("b", 2))).join()).isEqualTo(3);
        }
    }

    @Test
    void enqueuesSuccessorsWithTheHeadersOfTheRun() {
        ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
        CountDownLatch second = new CountDownLatch(1);
        TaskType<String, Integer> last = TaskType.of("last", String.class, (text, run) -> {
            seen.add(text + " " + run.headers());
            second.countDown();
            return 0;
        });
        TaskType<String, String> first = TaskType.of("first", String.class,
                (text, run) -> run.enqueue(last, text + "!"));
        try (QueueWorker _ = worker(first, last).start()) {
            String id = queue.submit(first, "hi", SubmitOptions.NONE.header("tenant", "42")).join();
            queue.result(last, id).join();
            assertThat(seen).containsExactly("hi! {tenant=42}");
        }
    }

    @Test
    void givesBackWhatTheRunGivesBackAndKeepsTheCheckpoint() {
        TaskType<String, Integer> steps = TaskType.of("steps", String.class, (text, run) -> {
            int from = run.checkpoint(int.class).orElse(0);
            if (from < 3) {
                run.checkpoint(from + 1);
                throw run.giveBack();
            }
            return run.attempt();
        });
        try (QueueWorker worker = worker(steps).start()) {
            assertThat(queue.submit(steps, "").join()).isEqualTo(4);
            worker.drain().join();
            assertThat(worker.status().givenBack()).isEqualTo(3);
            assertThat(worker.status().failed()).isZero();
        }
    }

    @Test
    void keepsProgressForThoseWhoLook() throws InterruptedException {
        CountDownLatch end = new CountDownLatch(1);
        TaskType<String, Integer> slow = TaskType.of("slow", String.class, (text, run) -> {
            run.progress(3, 10, "third");
            end.await();
            return 1;
        });
        try (QueueWorker _ = worker(slow).start()) {
            TaskFuture<Integer> future = queue.submit(slow, "");
            String id = broker.search(dev.sennit.queue.broker.TaskFilter.ALL, 1).getFirst().id();
            Waiting.until(() -> find(id).progress() != null);
            assertThat(find(id).progress()).isEqualTo(new dev.sennit.queue.broker.Progress(3, 10, "third"));
            end.countDown();
            future.join();
        }
    }

    @Test
    void cancelsRunsThatHeedInterrupts() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        ConcurrentLinkedQueue<Object> seen = new ConcurrentLinkedQueue<>();
        CountDownLatch over = new CountDownLatch(1);
        TaskType<String, Integer> sleeps = TaskType.of("sleeps", String.class, (text, run) -> {
            begun.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                seen.add(run.stopReason());
                over.countDown();
                throw e;
            }
            return 1;
        });
        try (QueueWorker worker = worker(sleeps).start()) {
            TaskFuture<Integer> future = queue.submit(sleeps, "");
            begun.await();
            String id = worker.status().runs().getFirst().id();
            assertThat(queue.cancel(id)).isEqualTo(TaskState.RUNNING);
            assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
            over.await();
            assertThat(seen).containsExactly(StopReason.CANCELLED);
            worker.drain().join();
            assertThat(worker.status().cancelled()).isEqualTo(1);
            assertThat(find(id).state()).isEqualTo(TaskState.CANCELLED);
        }
    }

    @Test
    void tellsThatARunGoesOnWhichWasToEnd() throws InterruptedException {
        CountDownLatch end = new CountDownLatch(1);
        TaskType<String, Integer> stubborn = TaskType.of("stubborn", String.class, text -> {
            while (true) {
                try {
                    end.await();
                    return 1;
                } catch (InterruptedException e) {
                    continue; // heeds nothing
                }
            }
        });
        try (QueueWorker worker = worker(stubborn, LENGTH).on("threads:1").grace(Duration.ofMillis(1)).start()) {
            TaskFuture<Integer> future = queue.submit(stubborn, "",
                    SubmitOptions.NONE.hardLimit(Duration.ofMillis(20)));
            assertThatThrownBy(future::join).hasMessageContaining("was ended at its hard limit: ")
                    .hasMessageContaining("hard limit of PT0.02S");
            assertThat(worker.status().isHealthy()).isFalse();
            assertThat(worker.status().problems().getFirst()).contains("stubborn").contains("was to end");
            TaskFuture<Integer> waits = queue.submit(LENGTH, "abc");
            end.countDown();
            assertThat(waits.join()).isEqualTo(3);
            Waiting.until(() -> worker.status().isHealthy());
        }
    }

    @Test
    void interruptsAtTheSoftLimitOnce() {
        TaskType<String, String> slow = TaskType.of("slow", String.class, (text, run) -> {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                run.checkpoint("here");
            }
            return run.stopReason() + " " + Thread.currentThread().isInterrupted();
        });
        try (QueueWorker _ = worker(slow).start()) {
            TaskFuture<String> future = queue.submit(slow, "", SubmitOptions.NONE.softLimit(Duration.ofMillis(20)));
            assertThat(future.join()).isEqualTo("SOFT_LIMIT false");
        }
    }

    @Test
    void countsAnInterruptOfTheSoftLimitAsAFailure() {
        TaskType<String, String> slow = TaskType.of("slow", String.class, (text, run) -> {
            new CountDownLatch(1).await();
            return "";
        });
        try (QueueWorker _ = worker(slow).start()) {
            TaskFuture<String> future = queue.submit(slow, "", SubmitOptions.NONE.softLimit(Duration.ofMillis(20)));
            assertThatThrownBy(future::join).hasMessageContaining("at its soft limit of PT0.02S");
        }
    }

    @Test
    void givesBackAtTheSoftLimitOnlyWithACheckpoint() {
        TaskType<String, String> steps = TaskType.of("steps", String.class, (text, run) -> {
            int done = run.checkpoint(Integer.class).orElse(0);
            if (done == 2) {
                return "after " + run.attempt() + " attempts, " + run.failures() + " failures";
            }
            while (!run.isStopRequested()) {
                Thread.onSpinWait();
            }
            if (!text.equals("careless")) {
                run.checkpoint(done + 1);
            }
            throw run.giveBack();
        });
        SubmitOptions limited = SubmitOptions.NONE.softLimit(Duration.ofMillis(20));
        try (QueueWorker _ = worker(steps).start()) {
            assertThat(queue.submit(steps, "careful", limited).join()).isEqualTo("after 3 attempts, 0 failures");
            assertThatThrownBy(queue.submit(steps, "careless", limited)::join)
                    .hasMessageContaining("without a new checkpoint at its soft limit of PT0.02S");
        }
    }

    @Test
    void drainsWithCheckpointsAndGivesBack() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(2);
        TaskType<String, Integer> lasting = TaskType.of("lasting", String.class, (text, run) -> {
            begun.countDown();
            while (!run.isStopRequested()) {
                Thread.onSpinWait();
            }
            run.checkpoint(run.stopReason().name());
            if (text.equals("polite")) {
                throw run.giveBack();
            }
            new CountDownLatch(1).await();
            return 1;
        });
        String polite = queue.enqueue(lasting, "polite");
        String rude = queue.enqueue(lasting, "rude");
        String unbegun = queue.enqueue(lasting, "unbegun");
        QueueWorker worker = worker(lasting).drainLimit(Duration.ofMillis(50)).start();
        begun.await();
        worker.close();
        for (String id : List.of(polite, rude, unbegun)) {
            assertThat(find(id).state()).as(id).isEqualTo(TaskState.READY);
            assertThat(find(id).failures()).isZero();
        }
        assertThat(worker.status().givenBack()).isEqualTo(2);
        TaskType<String, String> next = TaskType.of("lasting", String.class,
                (text, run) -> run.checkpoint(String.class).orElse("none"));
        try (QueueWorker _ = worker(next).start()) {
            assertThat(queue.result(next, polite).join()).isEqualTo("DRAIN");
            assertThat(queue.result(next, rude).join()).isEqualTo("DRAIN");
            assertThat(queue.result(next, unbegun).join()).isEqualTo("none");
        }
    }

    @Test
    void losesATaskThatMayRunOnceWhenItIsStoppedInTheDrain() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        TaskType<String, Integer> once = TaskType.of("once", String.class, text -> {
            begun.countDown();
            new CountDownLatch(1).await();
            return 1;
        });
        String id = queue.enqueue(once, "", SubmitOptions.NONE.once());
        QueueWorker worker = worker(once).drainLimit(Duration.ZERO).start();
        begun.await();
        worker.close();
        assertThat(find(id).state()).isEqualTo(TaskState.DEAD);
        assertThat(find(id).reason()).isEqualTo(DeadReason.LOST);
    }

    @Test
    void takesNothingWhileItIsQuiet() {
        try (QueueWorker worker = worker(LENGTH).start()) {
            assertThat(queue.submit(LENGTH, "a").join()).isEqualTo(1);
            worker.quiet();
            TaskFuture<Integer> waits = queue.submit(LENGTH, "ab");
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.QUIET);
            assertThat(waits.isDone()).isFalse();
            worker.resume();
            assertThat(waits.join()).isEqualTo(2);
        }
    }
}
