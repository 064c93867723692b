package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.manager.ManagedValue;
import dev.sennit.manager.ManagerServer;
import dev.sennit.pipe.ConnectionListener;
import dev.sennit.pipe.Pipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A parent that is killed leaves no worker and no file. */
class OrphanIT {

    /** A parent with a manager, and two workers that use it and then would compute for ever. Says when both do. */
    static final class Parent {
        public static void main(String[] arguments) throws Exception {
            ProcessPool pool = ProcessPool.builder().workers(2).heap("64m").open();
            ManagedValue<String> folder = ManagerServer.local().client().newValue();
            folder.set(arguments[0]);
            for (int i = 0; i < 2; i++) {
                String mark = "busy-" + i;
                pool.submit(() -> {
                    Files.createFile(Path.of(Objects.requireNonNull(folder.get()), mark));
                    while (true) {
                        Thread.onSpinWait();
                    }
                });
            }
            new CountDownLatch(1).await();
        }
    }

    @Test
    void killingTheParentEndsItsWorkers(@TempDir Path folder) throws Exception {
        Process parent = start(Parent.class, folder);
        try {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> Files.exists(folder.resolve("busy-0")) && Files.exists(folder.resolve("busy-1")));
            List<ProcessHandle> workers = WorkerProcesses.of(parent.toHandle());
            assertThat(workers).hasSize(2);
            parent.destroyForcibly().waitFor();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> workers.stream().noneMatch(ProcessHandle::isAlive));
        } finally {
            parent.descendants().forEach(ProcessHandle::destroyForcibly);
            parent.destroyForcibly();
        }
        assertThat(folders(folder)).isEmpty();
    }

    /** Has a manager and a pool whose worker pauses before its main begins. Says when it has. */
    static final class StartingParent {
        public static void main(String[] arguments) throws Exception {
            ManagerServer.local();
            ProcessPool.builder()
                    .workers(1)
                    .heap("64m")
                    .archive(false)
                    .jvmOptions(
                            "-XX:+UnlockDiagnosticVMOptions",
                            "-XX:+PauseAtStartup",
                            "-XX:PauseAtStartupFile=" + Path.of(arguments[0], "paused"))
                    .open();
            new CountDownLatch(1).await();
        }
    }

    /** What makes a folder. */
    enum Opening {
        POOL {
            @Override
            AutoCloseable open() throws Exception {
                ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open();
                pool.submit(() -> 1).get();
                return pool;
            }
        },
        PROCESS {
            @Override
            AutoCloseable open() {
                return WorkerProcess.builder().heap("64m").start(() -> {})::kill;
            }
        },
        MANAGER {
            @Override
            AutoCloseable open() {
                return ManagerServer.local();
            }
        },
        PIPE {
            @Override
            AutoCloseable open() throws Exception {
                Pipe pipe = Pipe.open();
                pipe.first().send(1);
                pipe.second().receive();
                return pipe;
            }
        },
        LISTENER {
            @Override
            AutoCloseable open() {
                return ConnectionListener.local();
            }
        };

        abstract AutoCloseable open() throws Exception;
    }

    /** Opens something, and waits until what dead processes left is gone; that is, until the test has had enough. */
    static final class NextProgram {
        public static void main(String[] arguments) throws Exception {
            try (AutoCloseable _ = Opening.valueOf(System.getProperty("opening")).open()) {
                while (Files.exists(Path.of(arguments[0], "left"))
                        && Files.readAllLines(Path.of(arguments[0], "left")).stream()
                                .anyMatch(each -> Files.exists(Path.of(each)))) {
                    Thread.sleep(10);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Opening.class)
    @EnabledOnOs(OS.LINUX)
    void whatIsLeftByAParentThatDiedWithItsWorkersIsRemovedByTheNextProgram(Opening opening) throws Exception {
        // A short path, as a folder with a socket lies elsewhere where the temporary folder's own path is long; that of
        // the tests may be.
        Path folder = Files.createDirectory(Path.of("/tmp/o" + ProcessHandle.current().pid()));
        try {
            isRemovedByTheNextProgram(folder, opening);
        } finally {
            try (var all = Files.walk(folder)) {
                for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(one);
                }
            }
        }
    }

    private static void isRemovedByTheNextProgram(Path folder, Opening opening) throws Exception {
        Process parent = start(StartingParent.class, folder);
        try {
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> Files.exists(folder.resolve("paused")));
            List<ProcessHandle> family = parent.descendants().toList();
            parent.destroyForcibly().waitFor();
            family.forEach(ProcessHandle::destroyForcibly);
            List<Path> left = folders(folder);
            assertThat(left).as("those of the manager and of the worker that started").hasSize(2);
            Files.write(folder.resolve("left"), left.stream().map(Path::toString).toList());
        } finally {
            parent.descendants().forEach(ProcessHandle::destroyForcibly);
            parent.destroyForcibly();
        }
        Process next = start(NextProgram.class, folder, "-Dopening=" + opening);
        try {
            assertThat(next.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(folders(folder)).isEmpty();
        } finally {
            next.descendants().forEach(ProcessHandle::destroyForcibly);
            next.destroyForcibly();
        }
    }

    private static List<Path> folders(Path folder) throws IOException {
        try (var left = Files.list(folder)) {
            return left.filter(file -> file.getFileName().toString().startsWith("sennit-")).toList();
        }
    }

    private static Process start(Class<?> program, Path folder, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(WorkerCommand.arguments(ProcessPool.builder().workerSettings()));
        // As a worker is started, so that this works on the module path and on the class path.
        // The temporary folder of this JVM is among the arguments, as workers have it too.
        arguments.removeIf(argument -> argument.startsWith("-Djava.io.tmpdir="));
        arguments.replaceAll(argument -> argument.replace(WorkerMain.class.getName(), program.getName()));
        List<String> command =
                new ArrayList<>(WorkerCommand.write(arguments, folder.resolve(program.getSimpleName() + ".arguments")));
        command.add(1, "-Djava.io.tmpdir=" + folder);
        command.addAll(1, List.of(options));
        command.add(folder.toString());
        return new ProcessBuilder(command).inheritIO().start();
    }
}
