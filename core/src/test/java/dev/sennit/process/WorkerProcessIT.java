package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.RemoteTaskException;
import dev.sennit.TaskSerializationException;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class WorkerProcessIT {
    private static WorkerProcess.Builder small() {
        return WorkerProcess.builder().heap("64m");
    }

    /** As those who wait for what never comes by looking all the time. */
    @Test
    void theEndOfOneThatNeverBeganIsHeardWhereVirtualThreadsHoldAllProcessors() throws Exception {
        int processors = Runtime.getRuntime().availableProcessors();
        var stop = new AtomicBoolean();
        var spinning = new AtomicInteger();
        for (int i = 0; i < processors; i++) {
            Thread.startVirtualThread(() -> {
                spinning.incrementAndGet();
                while (!stop.get()) {
                    Thread.onSpinWait();
                }
            });
        }
        try {
            Conditions.await("all carriers are held").until(() -> spinning.get() == processors);
            WorkerProcess process = WorkerProcess.builder()
                    .jvmOptions("-XX:+NoSuchOption")
                    .output(WorkerOutput.DISCARD)
                    .start(() -> {});
            assertThat(process.join(Duration.ofSeconds(60))).isTrue();
            assertThat(process.failure()).containsInstanceOf(WorkerStartException.class);
        } finally {
            stop.set(true);
        }
    }

    @Test
    void runsItsMainWithItsSettingsAndIsGoneThen(@TempDir Path folder) throws Exception {
        Queue<String> lines = new ConcurrentLinkedQueue<>();
        String captured = "captured";
        WorkerProcess process = small()
                .name("greeter")
                .directory(folder)
                .environment(Map.of("GREETING", "hello", "JDK_JAVA_OPTIONS_NOT", "x"))
                .jvmOptions("-Dword=given")
                .onLine((name, error, line) -> lines.add(name + (error ? " err: " : " out: ") + line))
                .start(() -> {
                    System.out.println(captured + " " + System.getenv("GREETING") + " " + System.getProperty("word"));
                    System.out.println(
                            WorkerProcess.currentName().orElseThrow() + " in " + Thread.currentThread().getName());
                    System.out.println(System.in.read() + " " + Path.of("").toRealPath());
                    System.err.println(WorkerProcess.active());
                });
        assertThat(process.isAlive()).isTrue();
        assertThat(process.exitCode()).isEmpty();
        assertThat(process.isDaemon()).isFalse();
        assertThat(WorkerProcess.active()).contains(process);
        assertThat(process).hasToString("WorkerProcess[greeter, pid " + process.pid() + ", runs]");
        var exit = process.onExit();
        process.join();
        assertThat(exit.get(30, TimeUnit.SECONDS)).isSameAs(process);
        assertThat(process.isAlive()).isFalse();
        assertThat(process.exitCode()).hasValue(0);
        assertThat(process.failure()).isEmpty();
        assertThat(process.toHandle().isAlive()).isFalse();
        assertThat(WorkerProcess.active()).doesNotContain(process);
        assertThat(WorkerProcess.currentName()).isEmpty();
        assertThat(lines)
                .containsExactlyInAnyOrder(
                        "greeter out: captured hello given",
                        "greeter out: greeter in greeter",
                        "greeter out: -1 " + folder.toRealPath(),
                        "greeter err: []");
    }

    static final class Unsendable extends RuntimeException {
        private static final long serialVersionUID = 1L;
        @SuppressWarnings({"unused", "serial"}) // it is what makes it so
        private final Object rock = new Object();

        Unsendable() {
            super("rock");
        }
    }

    /** One that is left there delays the end of the JVM. */
    @Test
    void theWatchOfTheParentLeavesNativeCodeBeforeTheEnd() throws Exception {
        WorkerProcess process = small().start(() -> Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(watchParks() ? 5 : 6))));
        process.join();
        assertThat(process.exitCode()).hasValue(5);
    }

    private static boolean watchParks() {
        for (int i = 0; i < 1000; i++) {
            if (Thread.getAllStackTraces().keySet().stream()
                    .anyMatch(thread -> thread.getName().equals("sennit-parent-watch")
                            && thread.getState() == Thread.State.TIMED_WAITING)) {
                return true;
            }
            LockSupport.parkNanos(10_000_000);
        }
        return false;
    }

    @Test
    void exitCodesSayHowItEnded(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        Queue<String> errors = new ConcurrentLinkedQueue<>();
        WorkerProcess thrown = small().name("thrower").onLine((name, error, line) -> errors.add(line)).start(() -> {
            throw new java.io.IOException("no paper");
        });
        WorkerProcess odd = small().output(WorkerOutput.DISCARD).start(() -> {
            throw new Unsendable();
        });
        WorkerProcess exited = small().start(() -> System.exit(3));
        WorkerProcess killed = small().start(() -> {
            signals.set("killed up");
            new CountDownLatch(1).await();
        });
        WorkerProcess terminated = small().start(() -> {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> signals.set("hook ran")));
            signals.set("terminated up");
            new CountDownLatch(1).await();
        });
        signals.await("killed up");
        assertThat(killed.join(Duration.ZERO)).isFalse();
        killed.kill();
        signals.await("terminated up");
        terminated.terminate();
        for (WorkerProcess process : List.of(thrown, odd, exited, killed, terminated)) {
            assertThat(process.join(Duration.ofSeconds(60))).isTrue();
        }
        assertThat(thrown.exitCode()).hasValue(1);
        assertThat(thrown.failure()).get().isInstanceOf(java.io.IOException.class)
                .hasToString("java.io.IOException: no paper");
        assertThat(errors)
                .anyMatch(line -> line.equals("Exception in thread \"thrower\" java.io.IOException: no paper"))
                .anyMatch(line -> line.contains("at ") && line.contains("WorkerProcessIT.lambda"));
        assertThat(odd.exitCode()).hasValue(1);
        assertThat(odd.failure()).get().isInstanceOf(RemoteTaskException.class).extracting(Throwable::getMessage)
                .asString()
                .contains("Unsendable: rock");
        assertThat(exited.exitCode()).hasValue(3);
        assertThat(exited.failure()).isEmpty();
        assertThat(killed.exitCode()).isEqualTo(OptionalInt.of(-9));
        assertThat(killed.toString()).contains("was killed by signal 9 (SIGKILL)");
        assertThat(terminated.exitCode()).isEqualTo(OptionalInt.of(-15));
        assertThat(signals.isSet("hook ran")).isTrue();
    }

    @Test
    void anExceptionWhoseOwnMethodsFailIsToldWithWhatCanBeRead() throws Exception {
        WorkerProcess process = small().output(WorkerOutput.DISCARD).start(() -> {
            throw new HostileTasksIT.HostileException(HostileTasksIT.Asked.EVERYTHING,
                    HostileTasksIT.Mischief.OVERFLOWS);
        });
        process.join();
        assertThat(process.exitCode()).hasValue(1);
        assertThat(process.failure()).containsInstanceOf(RemoteTaskException.class);
    }

    @Test
    void whatCannotStartSaysWhy(@TempDir Path folder) throws Exception {
        Object rock = new Object();
        assertThatThrownBy(() -> WorkerProcess.start(() -> System.out.println(rock)))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("captures rock, a java.lang.Object, which is not Serializable");
        assertThatThrownBy(() -> small().directory(folder.resolve("none")).start(() -> {}))
                .isInstanceOf(WorkerStartException.class)
                .hasMessageContaining("none");
        WorkerProcess process = small().jvmOptions("-XX:+NoSuchOption").output(WorkerOutput.DISCARD).start(() -> {});
        process.join();
        assertThat(process.exitCode()).hasValue(1);
        assertThat(process.failure()).get().isInstanceOf(WorkerStartException.class).extracting(Throwable::getMessage)
                .asString().contains("before its main began", "NoSuchOption");
        assertThatThrownBy(() -> small().name(" ")).isInstanceOf(IllegalArgumentException.class);
    }

    /** A join that is interrupted leaves the process alone; it outlives its main while it has threads. */
    @Test
    void joinCanBeInterrupted(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        WorkerProcess process = small().start(() -> new Thread(() -> {
            try {
                signals.await("go");
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            signals.set("thread has ended");
        }).start());
        Caller<String> caller = Caller.of(() -> {
            process.join();
            return "joined";
        });
        caller.awaitWaitingIn("join");
        caller.interrupt();
        assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
        assertThat(process.isAlive()).isTrue();
        assertThat(process.onExit().cancel(true)).isTrue();
        signals.set("go");
        process.join();
        assertThat(signals.isSet("thread has ended")).isTrue();
        assertThat(process.exitCode()).hasValue(0);
    }

    // ---- the end of the parent ----

    /** Starts a process and ends in one of several ways. Arguments: how, and a folder for signals. */
    static final class Parent {
        public static void main(String[] arguments) throws Exception {
            var signals = new Signals(arguments[1]);
            boolean daemon = arguments[0].startsWith("daemon");
            WorkerProcess process = WorkerProcess.builder().heap("64m").daemon(daemon).start(() -> {
                Runtime.getRuntime().addShutdownHook(new Thread(() -> signals.set("child's hook ran")));
                signals.set("child up");
                signals.await("child may go");
                signals.set("child is done");
            });
            signals.await("child up");
            Files.writeString(Path.of(arguments[1], "pid.tmp"), Long.toString(process.pid()));
            Files.move(Path.of(arguments[1], "pid.tmp"), Path.of(arguments[1], "pid"));
            switch (arguments[0]) {
                case "daemon", "waits" -> signals.set("main has returned");
                case "exits" -> System.exit(4);
                default -> new CountDownLatch(1).await(); // is killed
            }
        }
    }

    private static Process parent(String how, Path folder) throws Exception {
        Path arguments = Files.createFile(folder.resolve("arguments"));
        List<String> command = new java.util.ArrayList<>(
                WorkerCommand.write(WorkerCommand.arguments(ProcessPool.builder().workerSettings(), Parent.class),
                        arguments));
        command.add(1, "-Djava.io.tmpdir=" + folder);
        command.addAll(List.of(how, folder.toString()));
        return new ProcessBuilder(command).inheritIO().start();
    }

    private static ProcessHandle child(Path folder) throws Exception {
        new Signals(folder.toString()).await("pid");
        return ProcessHandle.of(Long.parseLong(Files.readString(folder.resolve("pid")))).orElseThrow();
    }

    private static void assertEnded(ProcessHandle child, Path folder) throws Exception {
        child.onExit().get(30, TimeUnit.SECONDS);
        try (var left = Files.list(folder)) {
            assertThat(left.map(file -> file.getFileName().toString())).noneMatch(name -> name.startsWith("sennit-"));
        }
    }

    @Test
    void aParentWaitsForOneThatIsNoDaemon(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        Process parent = parent("waits", folder);
        try {
            signals.await("main has returned");
            ProcessHandle child = child(folder);
            assertThat(child.isAlive()).isTrue();
            assertThat(parent.isAlive()).isTrue();
            signals.set("child may go");
            assertThat(parent.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(parent.exitValue()).isZero();
            assertThat(signals.isSet("child is done")).isTrue();
            assertEnded(child, folder);
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    void aDaemonEndsWithItsParent(@TempDir Path folder) throws Exception {
        endsWithItsParent("daemon", folder);
    }

    @Test
    void oneThatIsNoDaemonEndsWhenItsParentExits(@TempDir Path folder) throws Exception {
        endsWithItsParent("exits", folder);
    }

    private static void endsWithItsParent(String how, Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        Process parent = parent(how, folder);
        try {
            assertThat(parent.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(parent.exitValue()).isEqualTo(how.equals("exits") ? 4 : 0);
            signals.await("child's hook ran");
            new Signals(folder.toString()).await("pid");
            long pid = Long.parseLong(Files.readString(folder.resolve("pid")));
            var child = ProcessHandle.of(pid);
            if (child.isPresent()) {
                assertEnded(child.get(), folder);
            }
            assertThat(signals.isSet("child is done")).isFalse();
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    void aKilledParentLeavesNoOrphanAndNoFile(@TempDir Path folder) throws Exception {
        Process parent = parent("is killed", folder);
        try {
            ProcessHandle child = child(folder);
            parent.destroyForcibly().waitFor();
            assertEnded(child, folder);
            assertThat(new Signals(folder.toString()).isSet("child is done")).isFalse();
        } finally {
            parent.destroyForcibly();
        }
    }
}
