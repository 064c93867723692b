package dev.sennit.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.TaskFuture;
import dev.sennit.TaskMessages;
import dev.sennit.TaskOptions;
import dev.sennit.TaskStop;
import dev.sennit.conformance.Signals;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What tasks in worker processes send, also while these are killed, and how they are asked to stop. */
@Timeout(300)
class WorkerMessagesIT {
    private static final String RING = "processes:1";
    private static final String SOCKET = "processes:1?transport=socket";

    private static boolean say(String text) {
        return TaskMessages.send(text.getBytes(UTF_8));
    }

    private static TaskOptions into(List<String> heard) {
        return TaskOptions.NONE.onMessage(message -> heard.add(new String(message, UTF_8)));
    }

    @ParameterizedTest
    @ValueSource(strings = {RING, SOCKET})
    void whatAWorkerSentBeforeItsDeathComes(String plan) throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<?> crash = pool.submit(() -> {
                for (int i = 0; i < 100; i++) {
                    say("message " + i);
                }
                Runtime.getRuntime().halt(3);
            }, into(heard).retry(Retry.attempts(2)));
            assertThatThrownBy(() -> crash.get(60, SECONDS)).hasRootCauseInstanceOf(WorkerCrashedException.class);
            assertThat(heard).hasSize(200).startsWith("message 0", "message 1").endsWith("message 99");
        }
    }

    /** Of each message all comes or nothing, and they come without a gap. */
    @ParameterizedTest
    @ValueSource(strings = {RING, SOCKET})
    void aWorkerThatIsKilledInAMessageSendsNoPartOfIt(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            for (int round = 0; round < 10; round++) {
                long pid = pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS);
                var count = new AtomicInteger();
                var wrong = new CopyOnWriteArrayList<String>();
                TaskFuture<?> endless = pool.submit(() -> {
                    byte[] message = new byte[1 << 20];
                    for (byte number = 0;; number++) {
                        Arrays.fill(message, number);
                        TaskMessages.send(message);
                    }
                }, TaskOptions.NONE.onMessage(message -> {
                    byte[] expected = new byte[1 << 20];
                    Arrays.fill(expected, (byte) count.getAndIncrement());
                    if (!Arrays.equals(message, expected)) {
                        wrong.add("message " + count + " of " + message.length + " bytes");
                    }
                }));
                int some = 1 + 3 * round;
                Awaitility.await().until(() -> count.get() >= some);
                ProcessHandle.of(pid).orElseThrow().destroyForcibly();
                assertThatThrownBy(() -> endless.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class);
                int atTheEnd = count.get();
                assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
                assertThat(count).hasValue(atTheEnd);
                assertThat(wrong).isEmpty();
            }
        }
    }

    /** The worker waits for room in its line when its task is cancelled. */
    @ParameterizedTest
    @ValueSource(strings = {RING + "?grace=1m", SOCKET + "&grace=1m"})
    void aTaskThatWaitsForASlowListenerCanBeCancelled(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS);
            var listens = new CountDownLatch(1);
            var goesOn = new CountDownLatch(1);
            var calls = new AtomicInteger();
            TaskFuture<?> endless = pool.submit(() -> {
                byte[] message = new byte[1 << 20];
                while (!Thread.currentThread().isInterrupted()) {
                    TaskMessages.send(message);
                }
            }, TaskOptions.NONE.onMessage(message -> {
                calls.incrementAndGet();
                listens.countDown();
                try {
                    goesOn.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }));
            listens.await();
            assertThat(endless.cancel(true)).isTrue();
            goesOn.countDown();
            assertThat(endless.awaitEnd(60, SECONDS)).isTrue();
            assertThat(calls).hasValue(1);
            assertThat(pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS)).isEqualTo(pid);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {RING, SOCKET})
    void aTimeLimitEndsATaskThatSends(String plan) throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        try (Pool pool = Pools.open(plan)) {
            assertThat(pool.submit(() -> say("to nobody")).get(60, SECONDS)).isFalse();
            TaskFuture<?> endless = pool.submit(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    say("again");
                }
            }, into(heard).timeout(Duration.ofMillis(200)));
            assertThatThrownBy(() -> endless.get(60, SECONDS)).hasCauseInstanceOf(TimeoutException.class);
            endless.awaitEnd();
            int atTheEnd = heard.size();
            assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
            assertThat(heard).hasSize(atTheEnd);
        }
    }

    /** A pool of the worker's own: what its tasks say is theirs, whichever thread runs them. */
    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "virtual", "loop"})
    void theTasksOfAPoolInAWorkerAreNotTheWorkersTask(String inner) throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        try (Pool pool = Pools.open(RING)) {
            TaskFuture<List<String>> future = pool.submit(() -> {
                List<String> heardHere = new CopyOnWriteArrayList<>();
                say("before");
                try (Pool own = Pools.open(inner)) {
                    own.submit(() -> say("not heard")).join();
                    own.submit(() -> say("heard in the worker"), into(heardHere)).join();
                }
                say("after");
                return heardHere;
            }, into(heard));
            assertThat(future.get(60, SECONDS)).containsExactly("heard in the worker");
            assertThat(heard).containsExactly("before", "after");
        }
    }

    /** The thread that serves the worker is relieved, and the next one brings the next messages. */
    @ParameterizedTest
    @ValueSource(strings = {RING, SOCKET})
    void aListenerThatWaitsForALaterTaskHoldsNobodyUp(String plan) throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        var later = new CompletableFuture<TaskFuture<Integer>>();
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<Boolean> future = pool.submit(() -> say("first") & say("second"), TaskOptions.NONE.onMessage(
                    message -> {
                        String text = new String(message, UTF_8);
                        heard.add(text);
                        if (text.equals("first")) {
                            heard.add("the later task: " + later.join().join());
                        }
                    }));
            later.complete(pool.submit(() -> 42));
            assertThat(future.get(60, SECONDS)).isTrue();
            assertThat(later.get().get(60, SECONDS)).isEqualTo(42);
            Awaitility.await().until(() -> heard.size() == 3);
            assertThat(heard).containsExactly("first", "second", "the later task: 42");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {RING, SOCKET})
    void anInitializerAndTheEndOfATaskSpeakToNobody(String plan) throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        try (Pool pool = ProcessPool.builder().workers(1)
                .transport(plan.equals(SOCKET) ? WorkerTransport.SOCKET : WorkerTransport.AUTO)
                .initializer(() -> Left.signal = say("of an initializer") ? () -> true : TaskStop.signal()).open()) {
            assertThat(pool.submit(() -> Left.signal.getAsBoolean(), into(heard)).get(60, SECONDS)).isFalse();
            TaskFuture<Integer> asked = pool.submit(() -> {
                Left.signal = TaskStop.signal();
                say("runs");
                while (!TaskStop.isRequested()) {
                    Thread.onSpinWait();
                }
                return 1;
            }, into(heard));
            Awaitility.await().until(() -> !heard.isEmpty());
            asked.requestStop();
            assertThat(asked.get(60, SECONDS)).isEqualTo(1);
            assertThat(pool.submit(() -> TaskStop.isRequested()).get(60, SECONDS)).isFalse();
            assertThat(heard).containsExactly("runs");
        }
    }

    /** What a task leaves in its worker. */
    static final class Left {
        static java.util.function.BooleanSupplier signal;

        private Left() {}
    }

    /** A task that is handed back, as its worker died before it began it, is asked in the next one. */
    @ParameterizedTest
    @ValueSource(strings = {RING, SOCKET})
    void tasksThatAreAskedAndHandedBackAreAskedInTheNextWorker(String plan, @TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (Pool pool = Pools.open(plan)) {
            pool.submit(() -> 1).get(60, SECONDS);
            TaskFuture<Integer> dies = pool.submit(() -> {
                here.set("runs");
                here.await("the others are asked");
                Runtime.getRuntime().halt(3);
                return 1;
            });
            here.await("runs");
            List<TaskFuture<Boolean>> waiting = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                waiting.add(pool.submit(() -> TaskStop.isRequested()));
            }
            for (int i = 0; i < 20; i += 2) {
                waiting.get(i).requestStop();
            }
            here.set("the others are asked");
            assertThatThrownBy(() -> dies.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class);
            for (int i = 0; i < 20; i++) {
                assertThat(waiting.get(i).get(60, SECONDS)).as("task %s", i).isEqualTo(i % 2 == 0);
            }
        }
    }
}
