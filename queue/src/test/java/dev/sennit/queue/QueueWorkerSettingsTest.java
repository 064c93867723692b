package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class QueueWorkerSettingsTest {
    /** No worker finds by chance what it was to be told. */
    private static final Duration NEVER = Duration.ofHours(1);

    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, String::length);

    private final MemoryBroker broker = new MemoryBroker();
    private final TaskQueue queue = TaskQueue.over(broker);
    private final Semaphore begun = new Semaphore(0);
    private final Semaphore end = new Semaphore(0);
    private final TaskType<String, Integer> waits = TaskType.of("waits", String.class, text -> {
        begun.release();
        end.acquire();
        return 1;
    });

    /** Found by its name in a file of services. */
    public static final class Provider implements TaskTypeProvider {
        @Override
        public List<TaskType<?, ?>> taskTypes() {
            return List.of(LENGTH);
        }
    }

    @AfterEach
    void close() {
        end.release(1000);
        queue.close();
        broker.close();
    }

    private QueueWorker.Builder worker(TaskType<?, ?>... types) {
        return QueueWorker.builder(broker).types(types).on("threads:2").providers(null).seed(1).poll(NEVER)
                .drainLimit(Duration.ofSeconds(10));
    }

    @Test
    void refusesTwoTypesOfOneName() {
        TaskType<String, String> other = TaskType.of("length", String.class, text -> text + "?");
        assertThatThrownBy(() -> QueueWorker.builder(broker).types(LENGTH, other))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there are two types length: give one of them another name or version");
        assertThat(QueueWorker.builder(broker).types(LENGTH, LENGTH, other.version(2))).isNotNull();
    }

    @Test
    void areChecked() {
        QueueWorker.Builder builder = worker();
        assertThatThrownBy(builder::start).hasMessageContaining("a worker needs types");
        builder.types(LENGTH);
        assertThatThrownBy(() -> builder.types(TaskType.named("x", String.class, String.class)))
                .hasMessage("the code of task type x is elsewhere");
        assertThatThrownBy(() -> builder.queues("a:0"))
                .hasMessage("weight of queue a must be from 1 to 1000000, was 0");
        assertThatThrownBy(() -> builder.queues("a:x")).hasMessageContaining("whole numbers")
                .hasMessageContaining("a:x");
        assertThatThrownBy(() -> builder.queues(",")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.queues(":3")).hasMessageContaining("as in a:4,b, was \":3\"");
        assertThatThrownBy(() -> builder.lease(Duration.ofMillis(49))).hasMessage(
                "lease must be >= 50 ms, was PT0.049S");
        assertThatThrownBy(() -> builder.drainLimit(Duration.ofMillis(-1))).hasMessageContaining("drainLimit");
        assertThatThrownBy(() -> builder.poll(Duration.ZERO)).hasMessageContaining("poll must be > 0");
        assertThatThrownBy(() -> builder.grace(Duration.ofMillis(-1))).hasMessageContaining("grace");
        assertThatThrownBy(() -> builder.places(0)).hasMessage("places must be >= 1, was 0");
        assertThatThrownBy(() -> builder.mostResultBytes(0)).hasMessageContaining("mostResultBytes");
        assertThatThrownBy(() -> builder.autoscale(3, 2, Duration.ofSeconds(1)))
                .hasMessageContaining("was 3 with max 2");
        assertThatThrownBy(() -> builder.places(3).start()).hasMessage(
                "places must be <= 2, the workers of the pool, was 3");
        assertThatThrownBy(() -> builder.on("processors:3").start()).hasMessageContaining("unknown plan");
    }

    @Test
    void findProviders(@TempDir Path folder) throws IOException {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve(TaskTypeProvider.class.getName()), Provider.class.getName());
        try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()},
                getClass().getClassLoader());
                QueueWorker _ = worker().providers(loader).start()) {
            assertThat(queue.submit(LENGTH, "abc").join()).isEqualTo(3);
        }
    }

    @Test
    void limitTheClaimsToTheFreePlaces() throws InterruptedException {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            ids.add(queue.enqueue(waits, "" + i));
        }
        try (QueueWorker worker = worker(waits).start()) {
            begun.acquire(2);
            assertThat(worker.status().runs()).hasSize(2);
            assertThat(worker.status().ahead()).isZero();
            assertThat(broker.counts().getFirst().count(dev.sennit.queue.broker.TaskState.READY)).isEqualTo(8);
            end.release(10);
            Waiting.until(() -> worker.status().succeeded() == 10);
        }
    }

    @Test
    void giveBackWhatWasClaimedAheadAndWaits() throws InterruptedException {
        TaskType<String, Integer> both = TaskType.of("both", String.class, text -> {
            if (text.equals("long")) {
                begun.release();
                end.acquire();
            }
            return 1;
        });
        queue.enqueueAll(both, Collections.nCopies(2000, "short"), SubmitOptions.NONE);
        queue.enqueueAll(both, Collections.nCopies(2, "long"), SubmitOptions.NONE);
        queue.enqueueAll(both, Collections.nCopies(20, "short"), SubmitOptions.NONE);
        try (QueueWorker worker = worker(both).start()) {
            begun.acquire(2);
            Waiting.until(() -> worker.status().ahead() == 0);
            Waiting.until(() -> broker.counts().getFirst().count(dev.sennit.queue.broker.TaskState.READY) == 20);
            end.release(2);
            Waiting.until(() -> worker.status().succeeded() == 2022);
        }
    }

    @Test
    void shareClaimsByWeights() {
        ConcurrentLinkedQueue<String> order = new ConcurrentLinkedQueue<>();
        TaskType<String, Integer> notes = TaskType.of("notes", String.class, text -> {
            order.add(text);
            if (order.size() >= 100) {
                end.acquire();
            }
            return 1;
        });
        for (int i = 0; i < 200; i++) {
            queue.enqueue(notes, "a", SubmitOptions.NONE.queue("a"));
            queue.enqueue(notes, "b", SubmitOptions.NONE.queue("b"));
        }
        try (QueueWorker worker = worker(notes).queues("a:4,b:1").on("threads:1").start()) {
            Waiting.until(() -> order.size() >= 100);
            long ofA = order.stream().limit(100).filter("a"::equals).count();
            assertThat(ofA).isBetween(60L, 95L); // claims ahead come in larger pieces
            assertThat(worker.status().queues()).isEqualTo(Map.of("a", 4, "b", 1));
            end.release(1000);
        }
    }

    @Test
    void limitATypeForThisWorker() {
        VirtualClock clock = VirtualClock.standing(VirtualClock.START);
        MemoryBroker own = new MemoryBroker(clock);
        try (TaskQueue there = TaskQueue.over(own)) {
            for (int i = 0; i < 5; i++) {
                there.enqueue(LENGTH, "x");
            }
            QueueWorker worker =
                    QueueWorker.builder(own).types(LENGTH, waits).providers(null).on("threads:4").time(clock)
                            .rate(LENGTH, new Rate(1, Duration.ofMinutes(1), 2)).start();
            Waiting.until(() -> worker.status().succeeded() == 2);
            Waiting.until(() -> {
                clock.advance(Duration.ofSeconds(1));
                return worker.status().succeeded() == 5;
            });
            assertThat(Duration.between(VirtualClock.START, clock.now())).isGreaterThanOrEqualTo(Duration.ofMinutes(3));
            var ended = worker.drain();
            Waiting.until(() -> {
                clock.advance(Duration.ofMillis(1));
                return ended.isDone();
            });
        }
    }

    @Test
    void changeTheNumberOfPlaces() throws InterruptedException {
        for (int i = 0; i < 20; i++) {
            queue.enqueue(waits, "");
        }
        try (QueueWorker worker = worker(waits).on("threads:8").places(1).start()) {
            begun.acquire();
            worker.resize(3);
            begun.acquire(2);
            assertThat(worker.status().runs()).hasSize(3);
            assertThatThrownBy(() -> worker.resize(9)).hasMessageContaining("places must be from 1 to 8");
            worker.resize(1);
            end.release(3);
            begun.acquire();
            Waiting.until(() -> worker.status().succeeded() == 3);
            assertThat(worker.status().runs()).hasSize(1);
            end.release(20);
        }
    }

    @Test
    void growAndShrinkWithTheAgeOfTheOldest() throws InterruptedException {
        VirtualClock clock = VirtualClock.standing(VirtualClock.START);
        MemoryBroker own = new MemoryBroker(clock);
        try (TaskQueue there = TaskQueue.over(own)) {
            for (int i = 0; i < 20; i++) {
                there.enqueue(waits, "x");
            }
            QueueWorker worker = QueueWorker.builder(own).types(waits).providers(null).on("threads:1-8").time(clock)
                    .autoscale(1, 6, Duration.ofSeconds(2)).start();
            begun.acquire();
            Waiting.until(() -> {
                clock.advance(Duration.ofMillis(100));
                return worker.status().places() == 6;
            });
            begun.acquire(5);
            end.release(1000);
            Waiting.until(() -> {
                clock.advance(Duration.ofMillis(100));
                return worker.status().places() == 1;
            });
            assertThat(worker.status().succeeded()).isEqualTo(20);
            var ended = worker.drain();
            Waiting.until(() -> {
                clock.advance(Duration.ofMillis(1));
                return ended.isDone();
            });
        }
    }

    @Test
    void areChangedByRequestsFromElsewhere() throws InterruptedException {
        QueueWorker worker = worker(LENGTH).on("threads:8").places(2).start();
        QueueWorker other = worker(waits).queues("other").start();
        TaskFuture<Integer> elsewhere = queue.submit(LENGTH, "abcd", SubmitOptions.NONE.queue("more"));
        control(worker, "add-queue", Map.of("queue", "more", "weight", "3"));
        assertThat(elsewhere.join()).isEqualTo(4);
        assertThat(worker.status().queues()).isEqualTo(Map.of("default", 1, "more", 3));
        control(worker, "remove-queue", Map.of("queue", "more"));
        Waiting.until(() -> !worker.status().queues().containsKey("more"));
        control(worker, "grow", Map.of("by", "3"));
        Waiting.until(() -> worker.status().places() == 5);
        control(worker, "shrink", Map.of());
        Waiting.until(() -> worker.status().places() == 4);
        control(worker, "shrink", Map.of("by", "9")); // passed over
        control(worker, "shrink", Map.of("by", "x"));
        control(worker, "add-queue", Map.of());
        control(worker, "dance", Map.of());
        control(worker, "quiet", Map.of());
        Waiting.until(() -> worker.status().state() == QueueWorker.State.QUIET);
        control(worker, "resume", Map.of());
        assertThat(queue.submit(LENGTH, "ab").join()).isEqualTo(2);
        assertThat(worker.status().places()).isEqualTo(4);
        control(worker, "shutdown", Map.of());
        worker.awaitEnd();
        assertThat(other.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        assertThat(other.awaitEnd(Duration.ZERO)).isFalse();
        other.close();
        assertThat(other.awaitEnd(Duration.ZERO)).isTrue();
    }

    private void control(QueueWorker worker, String command, Map<String, String> arguments) {
        broker.control(new ControlMessage(worker.id(), command, arguments));
    }

    @Test
    void areReported() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        try (QueueWorker worker = worker(waits, LENGTH).queues("default:2,b").name("house")
                .lease(Duration.ofMillis(90)).start()) {
            begun.acquire();
            Waiting.until(() -> !broker.workers().isEmpty() && !broker.workers().getFirst().running().isEmpty());
            WorkerReport report = broker.workers().getFirst();
            assertThat(report.id()).isEqualTo(worker.id()).startsWith("house-");
            assertThat(report.queues()).containsExactly("b:1", "default:2");
            assertThat(report.types()).containsExactlyInAnyOrder("waits", "length");
            assertThat(report.running()).containsExactly(id);
            assertThat(report.plan()).isEqualTo("threads:2");
            assertThat(report.workers()).isEqualTo(2);
            assertThat(report.state()).isEqualTo("running");
            assertThat(report.pid()).isEqualTo(ProcessHandle.current().pid());
            worker.quiet();
            Waiting.until(() -> broker.workers().getFirst().state().equals("quiet"));
            assertThat(worker.toString()).isEqualTo("worker house[QUIET, 1 of 2 running, 0 succeeded, 0 failed]");
            end.release();
        }
        assertThat(broker.workers()).isEmpty();
    }

    @Test
    void endTheWaitOfCloseWhenItIsInterrupted() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        QueueWorker worker = worker(waits).drainLimit(Duration.ofHours(1)).start();
        begun.acquire();
        CountDownLatch kept = new CountDownLatch(1);
        Thread closes = Thread.ofPlatform().start(() -> {
            worker.close();
            if (Thread.currentThread().isInterrupted()) {
                kept.countDown();
            }
        });
        closes.interrupt();
        closes.join();
        kept.await();
        assertThat(worker.status().state()).isEqualTo(QueueWorker.State.ENDED);
        assertThat(broker.find(id).orElseThrow().state()).isEqualTo(dev.sennit.queue.broker.TaskState.READY);
        worker.close();
    }
}
