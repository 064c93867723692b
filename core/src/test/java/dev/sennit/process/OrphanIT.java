package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        List<String> command = new ArrayList<>(WorkerCommand.write(
                parentArguments(), folder.resolve("arguments")));
        command.add(1, "-Djava.io.tmpdir=" + folder);
        command.add(folder.toString());
        Process parent = new ProcessBuilder(command).inheritIO().start();
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
        try (var left = Files.list(folder)) {
            assertThat(left.map(file -> file.getFileName().toString()).filter(name -> name.startsWith("sennit-")))
                    .isEmpty();
        }
    }

    /** As a worker is started, so that this works on the module path and on the class path. */
    private static List<String> parentArguments() {
        List<String> arguments = new ArrayList<>(WorkerCommand.arguments(ProcessPool.builder()));
        arguments.replaceAll(argument -> argument.replace(WorkerMain.class.getName(), Parent.class.getName()));
        return arguments;
    }
}
