package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.memory.MemoryBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class QueueWorkerProcessesIT {
    /** No worker finds by chance what it was to be told. */
    private static final Duration NEVER = Duration.ofHours(1);

    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, String::length);
    private static Pool pool;

    private final MemoryBroker broker = new MemoryBroker();
    private final TaskQueue queue = TaskQueue.over(broker);

    @TempDir
    Path folder;

    /** What a worker process knows and this one need not. */
    static final class OwnException extends IOException {
        private static final long serialVersionUID = 1;

        OwnException(String message) {
            super(message);
        }
    }

    record Job(String folder, String what) {
        Path file(String name) {
            return Path.of(folder, name);
        }
    }

    @BeforeAll
    static void open() {
        pool = Pools.open("processes:2?heap=64m&grace=100ms");
    }

    @AfterAll
    static void closePool() {
        pool.shutdownNow();
    }

    @AfterEach
    void close() {
        queue.close();
        broker.close();
    }

    private QueueWorker.Builder worker(TaskType<?, ?>... types) {
        return QueueWorker.builder(broker).types(types).pool(pool).providers(null).seed(1).poll(NEVER)
                .drainLimit(Duration.ofSeconds(20));
    }

    private Job job(String what) {
        return new Job(folder.toString(), what);
    }

    private TaskView find(String id) {
        return broker.find(id).orElseThrow();
    }

    private static SubmitOptions retrying(int attempts) {
        return SubmitOptions.NONE.retry(RetryPolicy.attempts(attempts).waiting(Duration.ofMillis(1)));
    }

    @Test
    void runsTasks() {
        try (QueueWorker worker = worker(LENGTH).start()) {
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                all.add(queue.submit(LENGTH, "x".repeat(i)));
            }
            for (int i = 0; i < 500; i++) {
                assertThat(all.get(i).join()).isEqualTo(i);
            }
            worker.drain().join();
            assertThat(worker.status().succeeded()).isEqualTo(500);
        }
        assertThat(pool.isShutdown()).isFalse();
    }

    @Test
    void knowsTheClassesOfFailuresInOtherProcesses() {
        TaskType<String, String> fails = TaskType.of("fails", String.class, text -> {
            throw new IllegalStateException("outer", new OwnException(text));
        });
        try (QueueWorker _ = worker(fails).start()) {
            TaskFuture<String> future = queue.submit(fails, "inner", SubmitOptions.NONE
                    .retry(RetryPolicy.attempts(5).neverAfter(List.of("java.io.IOException"))));
            assertThatThrownBy(future::join).satisfies(e -> {
                var end = ((TaskFailedException) e.getCause()).end();
                assertThat(end.attempts()).isEqualTo(1);
                assertThat(end.error().text()).isEqualTo("java.lang.IllegalStateException: outer");
                assertThat(end.error().stack()).contains("OwnException: inner").contains("QueueWorkerProcessesIT");
            });
        }
    }

    @Test
    void endsUnreadableArgumentsOfAProcess() {
        TaskType<Integer, Integer> number = TaskType.of("length", Integer.class, n -> n);
        try (QueueWorker _ = worker(number).start()) {
            assertThatThrownBy(queue.submit(LENGTH, "no number", retrying(5))::join).satisfies(
                    e -> assertThat(((TaskFailedException) e.getCause()).end().reason())
                            .isEqualTo(DeadReason.UNREADABLE));
        }
    }

    @Test
    void enqueuesSuccessorsOfAProcess() {
        TaskType<String, String> first = TaskType.of("first", String.class,
                (text, run) -> run.enqueue(LENGTH, text + "!"));
        try (QueueWorker _ = worker(first, LENGTH).start()) {
            assertThat(queue.result(LENGTH, queue.submit(first, "hi").join()).join()).isEqualTo(3);
        }
    }

    @Test
    void runsAgainWhatLostItsProcess() {
        TaskType<Job, String> dies = TaskType.of("dies", Job.class, (job, run) -> {
            if (run.attempt() == 1) {
                Runtime.getRuntime().halt(3);
            }
            return "attempt " + run.attempt() + ", failures " + run.failures();
        });
        try (QueueWorker worker = worker(dies).start()) {
            assertThat(queue.submit(dies, job("")).join()).isEqualTo("attempt 2, failures 0");
            worker.drain().join();
            assertThat(worker.status().crashed()).isEqualTo(1);
            assertThat(worker.status().failed()).isZero();
        }
    }

    @Test
    void givesUpWhatLosesTooManyProcesses() {
        TaskType<String, String> dies = TaskType.of("dies", String.class, text -> {
            Runtime.getRuntime().halt(3);
            return text;
        });
        try (QueueWorker _ = worker(dies).start()) {
            assertThatThrownBy(queue.submit(dies, "", SubmitOptions.NONE.retry(RetryPolicy.NONE.crashes(2)))::join)
                    .satisfies(e -> {
                        var end = ((TaskFailedException) e.getCause()).end();
                        assertThat(end.reason()).isEqualTo(DeadReason.CRASHED);
                        assertThat(end.attempts()).isEqualTo(2);
                        assertThat(end.error().text()).contains("exited with code 3");
                    });
            assertThatThrownBy(queue.submit(dies, "", SubmitOptions.NONE.once())::join).satisfies(
                    e -> assertThat(((TaskFailedException) e.getCause()).end().reason()).isEqualTo(DeadReason.LOST));
        }
    }

    @Test
    void killsAtTheHardLimit() {
        TaskType<Job, Long> stubborn = TaskType.of("stubborn", Job.class, (job, run) -> {
            if (run.failures() > 0) {
                return ProcessHandle.current().pid();
            }
            Files.writeString(job.file("pid"), String.valueOf(ProcessHandle.current().pid()));
            while (true) {
                Thread.onSpinWait();
            }
        });
        try (QueueWorker worker = worker(LENGTH, stubborn).start()) {
            // both workers load the classes that a task needs: it would count against the limit of the second attempt
            Stream.generate(() -> queue.submit(LENGTH, "x")).limit(20).toList().forEach(TaskFuture::join);
            long second = queue.submit(stubborn, job(""), retrying(5).hardLimit(Duration.ofSeconds(3))).join();
            long first = Long.parseLong(Files.readString(folder.resolve("pid")));
            assertThat(second).isNotEqualTo(first);
            assertThat(ProcessHandle.of(first)).isEmpty();
            assertThat(worker.status().isHealthy()).isTrue();
            assertThatThrownBy(
                    queue.submit(stubborn, job(""), SubmitOptions.NONE.hardLimit(Duration.ofMillis(300)))::join)
                    .satisfies(e -> assertThat(((TaskFailedException) e.getCause()).end().reason())
                            .isEqualTo(DeadReason.TIMED_OUT));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void interruptsAtTheSoftLimit() {
        TaskType<String, String> slow = TaskType.of("slow", String.class, (text, run) -> {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                return run.stopReason() + " " + Thread.currentThread().isInterrupted();
            }
            return "";
        });
        try (QueueWorker _ = worker(slow).start()) {
            assertThat(queue.submit(slow, "", SubmitOptions.NONE.softLimit(Duration.ofMillis(50))).join())
                    .isEqualTo("SOFT_LIMIT false");
        }
    }

    @Test
    void cancelsWhatHeedsAnInterruptAndKillsWhatDoesNot() throws IOException {
        TaskType<Job, Integer> runs = TaskType.of("runs", Job.class, (job, run) -> {
            Files.writeString(job.file(job.what() + ".pid"), String.valueOf(ProcessHandle.current().pid()));
            while (true) {
                if (Thread.interrupted() && job.what().equals("heeds")) {
                    Files.createFile(job.file("heeded"));
                    return 1;
                }
                Thread.onSpinWait();
            }
        });
        try (QueueWorker worker = worker(runs).start()) {
            for (String what : List.of("heeds", "ignores")) {
                TaskFuture<Integer> future = queue.submit(runs, job(what));
                Path pid = folder.resolve(what + ".pid");
                Waiting.until(() -> Files.exists(pid) && pid.toFile().length() > 0);
                String id = worker.status().runs().getFirst().id();
                assertThat(queue.cancel(id)).isEqualTo(TaskState.RUNNING);
                assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
                Waiting.until(() -> find(id).state() == TaskState.CANCELLED);
                boolean lives = ProcessHandle.of(Long.parseLong(Files.readString(pid))).isPresent();
                assertThat(lives).isEqualTo(what.equals("heeds"));
            }
            assertThat(folder.resolve("heeded")).exists();
        }
    }

    @Test
    void givesBackWhatDoesNotEndInTheDrain() {
        TaskType<Job, Integer> runs = TaskType.of("runs", Job.class, (job, run) -> {
            Files.createFile(job.file("begun"));
            while (true) {
                Thread.onSpinWait();
            }
        });
        String id = queue.enqueue(runs, job(""));
        QueueWorker worker = worker(runs).drainLimit(Duration.ofMillis(50)).start();
        Waiting.until(() -> Files.exists(folder.resolve("begun")));
        worker.close();
        assertThat(find(id).state()).isEqualTo(TaskState.READY);
        assertThat(find(id).failures() + find(id).crashes()).isZero();
        assertThat(worker.status().givenBack()).isEqualTo(1);
    }

    @Test
    void keepsCheckpointsAndProgressOfAProcessThatIsKilled() throws Exception {
        TaskType<Job, String> long_ = TaskType.of("long", Job.class, (job, run) -> {
            int from = run.checkpoint(int.class).orElse(0);
            if (from == 0) {
                run.progress(1, 2, "first half");
                run.checkpoint(1);
                Files.writeString(job.file("pid"), String.valueOf(ProcessHandle.current().pid()));
                new CountDownLatch(1).await();
            }
            return "went on from " + from + " in attempt " + run.attempt();
        });
        try (QueueWorker worker = worker(long_).start()) {
            String id = queue.enqueue(long_, job(""));
            Path pid = folder.resolve("pid");
            Waiting.until(() -> Files.exists(pid) && pid.toFile().length() > 0);
            Waiting.until(() -> find(id).progress() != null);
            assertThat(find(id).progress().message()).isEqualTo("first half");
            // the checkpoint was sent before the file was written, and the broker has it some milliseconds later
            Waiting.until(() -> worker.status().runs().getFirst().silence().compareTo(Duration.ofMillis(100)) > 0);
            new ProcessBuilder("kill", "-9", Files.readString(pid)).start().waitFor();
            assertThat(queue.result(long_, id).join()).isEqualTo("went on from 1 in attempt 2");
            assertThat(find(id).crashes()).isEqualTo(1);
            assertThat(find(id).failures()).isZero();
        }
    }

    @Test
    void drainsProcessesWithCheckpoints() throws IOException {
        TaskType<Job, String> lasting = TaskType.of("lasting", Job.class, (job, run) -> {
            Files.createFile(job.file(job.what() + run.attempt()));
            if (run.attempt() > 1) {
                return run.checkpoint(String.class).orElse("none");
            }
            while (!run.isStopRequested()) {
                Thread.onSpinWait();
            }
            run.checkpoint(run.stopReason().name());
            if (job.what().equals("rude")) {
                new CountDownLatch(1).await();
            }
            throw run.giveBack();
        });
        String polite = queue.enqueue(lasting, job("polite"));
        String rude = queue.enqueue(lasting, job("rude"));
        QueueWorker worker = worker(lasting).drainLimit(Duration.ofSeconds(5)).start();
        Waiting.until(
                () -> Files.exists(folder.resolve("polite1")) && Files.exists(folder.resolve("rude1")));
        worker.close();
        assertThat(worker.status().givenBack()).isEqualTo(2);
        assertThat(List.of(find(polite).state(), find(rude).state())).containsOnly(TaskState.READY);
        assertThat(find(polite).failures() + find(rude).failures() + find(rude).crashes()).isZero();
        try (QueueWorker _ = worker(lasting).start()) {
            assertThat(queue.result(lasting, polite).join()).isEqualTo("DRAIN");
            assertThat(queue.result(lasting, rude).join()).isEqualTo("DRAIN");
        }
    }

    @Test
    void sendsCheckpointsOfOtherThreadsAtTheEndAtLatest() {
        TaskType<String, String> threads = TaskType.of("threads", String.class, (text, run) -> {
            if (run.attempt() > 1) {
                return run.checkpoint(String.class).orElse("none");
            }
            Thread.ofVirtual().start(() -> run.checkpoint("from a thread")).join();
            throw run.giveBack();
        });
        try (QueueWorker _ = worker(threads).start()) {
            assertThat(queue.submit(threads, "").join()).isEqualTo("from a thread");
        }
    }

    @Test
    void losesNothingWhileProcessesAreKilled() throws Exception {
        TaskType<Integer, Integer> steps = TaskType.of("steps", Integer.class, (number, run) -> {
            int step = run.checkpoint(int.class).orElse(0);
            while (step < 3) {
                for (int i = 0; i < 2_000_000; i++) {
                    Thread.onSpinWait();
                }
                run.checkpoint(++step);
            }
            return number;
        });
        Random random = new Random(7);
        SubmitOptions options = SubmitOptions.NONE.retry(RetryPolicy.NONE.crashes(50));
        try (QueueWorker worker = worker(steps).start()) {
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                all.add(queue.submit(steps, i, options));
            }
            for (int kill = 1; kill <= 5; kill++) {
                int done = kill * 8;
                Waiting.until(() -> all.stream().filter(TaskFuture::isDone).count() >= done);
                List<Long> pids = pool.statistics().workerPids();
                if (!pids.isEmpty()) {
                    ProcessHandle.of(pids.get(random.nextInt(pids.size()))).ifPresent(ProcessHandle::destroyForcibly);
                }
            }
            for (int i = 0; i < 60; i++) {
                assertThat(all.get(i).join()).isEqualTo(i);
            }
            worker.drain().join();
            assertThat(worker.status().succeeded()).isEqualTo(60);
            assertThat(worker.status().failed()).isZero();
        }
    }
}
