package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.WorkerStartException;
import java.lang.System.Logger.Level;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Workers are killed at chosen moments; nothing hangs, nothing is lost. {@code FaultsIT} in stress kills them at
 * random.
 */
class WorkerDeathIT {
    @Test
    void aTaskThatHadNotBegunRunsElsewhere() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            pool.submit(() -> 1).get(60, TimeUnit.SECONDS);
            for (int i = 0; i < 5; i++) {
                WorkerProcesses.ofThisJvm().forEach(ProcessHandle::destroyForcibly);
                // The worker is dying: whether the pool has noticed or not, it was idle, so no task was running on it.
                assertThat(pool.submit(() -> 42).get(60, TimeUnit.SECONDS)).isEqualTo(42);
            }
            assertThat(pool.statistics().failed()).isZero();
        }
    }

    /** All are dead when it is submitted, and it goes from one to the next: that is no fault of its own. */
    @Test
    void aTaskSurvivesTheDeathOfAllIdleWorkersAtOnce() throws Exception {
        Field field = ProcessPool.class.getDeclaredField("lock");
        field.setAccessible(true);
        try (ProcessPool pool = ProcessPool.builder().workers(6).heap("16m").open()) {
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> pool.statistics().workers() == 6);
            TaskFuture<Integer> future;
            synchronized (field.get(pool)) { // so that the pool does not get to know it before
                WorkerProcesses.ofThisJvm().forEach(ProcessHandle::destroyForcibly);
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> WorkerProcesses.ofThisJvm().isEmpty());
                future = pool.submit(() -> 42);
            }
            assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo(42);
        }
    }

    /**
     * The sender is held until the worker is buried, and the serving thread before it takes what the worker had: so the
     * sender looks first.
     */
    @Test
    void aTaskThatHadBegunIsNotRunAgainWhenItsSenderFindsTheWorkerBuried(@TempDir Path folder) throws Exception {
        String runs = Files.createFile(folder.resolve("runs")).toString();
        Field field = WorkerJvm.class.getDeclaredField("aheadLock");
        field.setAccessible(true);
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            pool.submit(() -> 1).get(60, TimeUnit.SECONDS);
            WorkerJvm worker = Objects.requireNonNull(pool.slots().getFirst().worker());
            Object aheadLock = field.get(worker);
            var isHeld = new CountDownLatch(1);
            var mayGoOn = new CountDownLatch(1);
            Thread holder = Thread.ofPlatform().daemon().start(() -> {
                synchronized (aheadLock) { // the serving thread takes it after it has buried the worker
                    isHeld.countDown();
                    awaitLatch(mayGoOn);
                }
            });
            linkOf(worker, (link, method, args) -> {
                Object result = method.invoke(link, args);
                if (method.getName().equals("sendTask")) {
                    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> Files.size(Path.of(runs)) > 0);
                    awaitLatch(isHeld);
                    ProcessHandle.of(worker.pid()).ifPresent(ProcessHandle::destroyForcibly);
                    Awaitility.await().atMost(Duration.ofSeconds(60)).until(worker::isBuried);
                }
                return result;
            });
            TaskFuture<Integer> future;
            try {
                future = pool.submit(() -> {
                    Files.writeString(Path.of(runs), "x", StandardOpenOption.APPEND);
                    if (Files.size(Path.of(runs)) == 1) {
                        Thread.sleep(60_000);
                    }
                    return 1;
                });
            } finally {
                mayGoOn.countDown();
                holder.join();
            }
            assertThatThrownBy(() -> future.get(60, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOf(WorkerCrashedException.class);
            assertThat(Path.of(runs)).hasContent("x");
        }
    }

    /** The worker dies when a waiting thread has read the answer and not yet said which task it answers. */
    @Test
    void anAnswerThatAWaitingThreadTakesOutlivesTheWorker(@TempDir Path folder) throws Exception {
        Path go = folder.resolve("go");
        String awaited = go.toString();
        Field field = WorkerSlot.class.getDeclaredField("turn");
        field.setAccessible(true);
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            assumeThat(pool.usesSharedMemory()).as("a waiting thread takes answers").isTrue();
            pool.submit(() -> 1).get(60, TimeUnit.SECONDS);
            WorkerSlot slot = pool.slots().getFirst();
            WorkerJvm worker = Objects.requireNonNull(slot.worker());
            var turn = (ReentrantLock) field.get(slot);
            var isTaken = new CountDownLatch(1);
            linkOf(worker, (link, method, args) -> {
                if (method.getName().equals("hasAnswer")) {
                    Files.createFile(go);
                    Awaitility.await().atMost(Duration.ofSeconds(60)).until(link::hasAnswer);
                }
                Object result = method.invoke(link, args);
                if (method.getName().equals("pollWhole")) {
                    isTaken.countDown();
                    ProcessHandle.of(worker.pid()).ifPresent(ProcessHandle::destroyForcibly);
                    Awaitility.await().atMost(Duration.ofSeconds(60)).until(worker::isBuried);
                    Awaitility.await().atMost(Duration.ofSeconds(60))
                            .until(() -> worker.current.get() == null || turn.hasQueuedThreads());
                }
                return result;
            });
            TaskFuture<Integer> future = pool.submit(() -> {
                while (!Files.exists(Path.of(awaited))) {
                    Thread.onSpinWait();
                }
                return 42;
            });
            RemoteSubmission<?> inFlight = Objects.requireNonNull(worker.current.get());
            while (isTaken.getCount() > 0) {
                slot.pollFor(inFlight, worker); // does nothing before the serving thread sleeps
            }
            assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo(42);
        }
    }

    private interface LinkHook {
        @Nullable Object call(WorkerLink link, Method method, Object[] args) throws Exception;
    }

    /** Has all calls of a worker's link go through a hook. */
    private static void linkOf(WorkerJvm worker, LinkHook hook) throws ReflectiveOperationException {
        Field field = WorkerJvm.class.getDeclaredField("link");
        field.setAccessible(true);
        WorkerLink link = worker.link();
        field.set(worker, Proxy.newProxyInstance(
                WorkerLink.class.getClassLoader(), new Class<?>[] {WorkerLink.class}, (proxy, method, args) -> {
                    try {
                        return hook.call(link, method, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    @Test
    void aCrashNamesPidSignalTaskAndLastLines() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").output(WorkerOutput.DISCARD).open()) {
            TaskFuture<Integer> future = pool.submit(() -> {
                System.err.println("about to go");
                System.err.flush();
                ProcessHandle.current().pid();
                new ProcessBuilder("kill", "-SEGV", Long.toString(ProcessHandle.current().pid())).start().waitFor();
                Thread.sleep(60_000);
                return 1;
            });
            assertThatThrownBy(() -> future.get(60, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(WorkerCrashedException.class, crash -> {
                        assertThat(crash.lastLines()).contains("about to go");
                        assertThat(crash.getMessage())
                                .contains("pid " + crash.pid(), "WorkerDeathIT::lambda", "about to go");
                        assertThat(crash.getStackTrace()[0].getClassName()).isEqualTo(WorkerDeathIT.class.getName());
                        assertThat(crash.crashLog()).hasValueSatisfying(log -> {
                            assertThat(log).exists();
                            assertThat(log.toFile().delete()).isTrue();
                        });
                    });
        }
    }

    @Test
    void eachWorkerThatIsLostIsALineInTheLog() throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        BiConsumer<Level, String> before = WorkerLog.tellTo((level, line) -> lines.add(level + " " + line));
        try (ProcessPool pool =
                ProcessPool.builder().name("photos").workers(1).heap("64m").grace(Duration.ZERO).open()) {
            long idle = pool.submit(() -> ProcessHandle.current().pid()).get(60, TimeUnit.SECONDS);
            ProcessHandle.of(idle).orElseThrow().destroyForcibly();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> !lines.isEmpty());
            assertThat(lines).singleElement().asString()
                    .startsWith("WARNING photos - worker photos-worker-1 (pid " + idle
                            + ") was killed by signal 9 (SIGKILL)")
                    .endsWith("between two tasks");

            TaskFuture<Integer> exits = pool.submit(() -> {
                System.exit(3);
                return 1;
            }, TaskOptions.named("leave"));
            assertThatThrownBy(() -> exits.get(60, TimeUnit.SECONDS)).cause()
                    .isInstanceOf(WorkerCrashedException.class);
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> lines.size() > 1);
            assertThat(lines).hasSize(2).last().asString()
                    .startsWith("WARNING photos - worker photos-worker-1 (pid ")
                    .contains(") exited with code 3 while it ran task leave");

            TaskFuture<Integer> endless = pool.submit(() -> {
                while (true) {
                    Thread.onSpinWait();
                }
            });
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> pool.statistics().running() == 1);
            endless.cancel(true);
            assertThat(pool.submit(() -> 42).get(60, TimeUnit.SECONDS)).isEqualTo(42);
            assertThat(lines).hasSize(3).last().asString().startsWith("DEBUG photos - worker photos-worker-1 (pid ");
        } finally {
            WorkerLog.tellTo(before);
        }
        assertThat(lines).as("the end of a pool is no news").hasSize(3);
    }

    /** A log may wait for anything, also for what becomes of the task. */
    @Test
    void aTaskDoesNotWaitForTheLogThatItsWorkerIsLost() throws Exception {
        var told = new CountDownLatch(1);
        var mayGoOn = new CountDownLatch(1);
        BiConsumer<Level, String> before = WorkerLog.tellTo((level, line) -> {
            told.countDown();
            awaitLatch(mayGoOn);
        });
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            TaskFuture<Integer> exits = pool.submit(() -> {
                System.exit(3);
                return 1;
            });
            try {
                assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
                assertThatThrownBy(() -> exits.get(5, TimeUnit.SECONDS)).cause()
                        .isInstanceOf(WorkerCrashedException.class);
            } finally {
                mayGoOn.countDown();
            }
        } finally {
            WorkerLog.tellTo(before);
        }
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void workersThatCannotStartFailThePoolWithTheirCause() throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        BiConsumer<Level, String> before = WorkerLog.tellTo((level, line) -> lines.add(level + " " + line));
        try (ProcessPool pool = ProcessPool.builder()
                .workers(2)
                .jvmOptions("-XX:+NoSuchOption")
                .output(WorkerOutput.DISCARD)
                .open()) {
            TaskFuture<Integer> early = pool.submit(() -> 1);
            assertThatThrownBy(() -> early.get(60, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContaining("NoSuchOption");
            assertThat(lines).filteredOn(line -> line.startsWith("WARNING ")).hasSizeBetween(1, WorkerLog.MOST)
                    .allSatisfy(line -> assertThat(line).contains(") exited with code 1 before it was ready",
                            "NoSuchOption"));
            Awaitility.await().atMost(Duration.ofSeconds(60))
                    .until(() -> lines.stream().anyMatch(line -> line.startsWith("ERROR ")));
            assertThat(lines).filteredOn(line -> line.startsWith("ERROR ")).singleElement().asString()
                    .contains("in a row could not be started").endsWith("; tasks that wait for a worker fail");
            TaskFuture<Integer> late = pool.submit(() -> 1);
            assertThatThrownBy(() -> late.get(60, TimeUnit.SECONDS)).cause().isInstanceOf(WorkerStartException.class);
        } finally {
            WorkerLog.tellTo(before);
        }
    }
}
