package dev.sennit.pipe;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskSerializationException;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcess;
import dev.sennit.process.WorkerProcesses;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Pipes between processes. */
@Timeout(120)
class ConnectionIT {
    private Set<Path> before;

    @BeforeEach
    void foldersBefore() throws IOException {
        before = folders();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        for (WorkerProcess process : WorkerProcess.active()) {
            assertThat(process.join(Duration.ofSeconds(30))).as("%s ends", process).isTrue();
        }
        Conditions.await("no folder is left").untilAsserted(() -> assertThat(folders()).isSubsetOf(before));
    }

    private static Set<Path> folders() throws IOException {
        return folders(Path.of(System.getProperty("java.io.tmpdir")));
    }

    private static Set<Path> folders(Path where) throws IOException {
        try (var files = Files.list(where)) {
            return new HashSet<>(
                    files.filter(file -> file.getFileName().toString().matches("sennit-(\\w+-\\w+-)?\\d+")).toList());
        }
    }

    private static WorkerProcess.Builder small() {
        return WorkerProcess.builder().heap("64m");
    }

    record Job(String name, int size) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    @Test
    void aProcessGetsAnEndAndWhatWasSentBeforeItRan() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            Connection here = pipe.first();
            Connection there = pipe.second();
            here.send(new Job("first", 1));
            WorkerProcess process = small().start(() -> {
                Job job = (Job) there.receive();
                there.send(new Job(job.name() + " done", job.size() + 1));
                there.sendBytes(new byte[3 << 20]);
                there.send(ProcessHandle.current().pid());
            });
            there.close(); // of no effect there
            assertThat(here.receive()).isEqualTo(new Job("first done", 2));
            assertThat(here.receiveBytes()).hasSize(3 << 20);
            assertThat(here.receive()).isEqualTo(process.pid());
            assertThatThrownBy(here::receive).isInstanceOf(ConnectionEndedException.class);
            process.join();
            assertThat(process.exitCode()).hasValue(0);
        }
    }

    @Test
    void anEndIsInOneProcessOnly() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            Connection here = pipe.first();
            Connection there = pipe.second();
            WorkerProcess process = small().start(() -> {
                there.send("mine");
                there.receive();
            });
            assertThat(here.receive()).isEqualTo("mine");
            assertThatThrownBy(there::receive)
                    .isInstanceOf(IOException.class)
                    .hasMessageEndingWith("belongs to process " + process.pid());
            assertThatThrownBy(() -> small().start(() -> here.send(1)))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("has been used in this process and stays here");
            assertThatThrownBy(() -> here.send(here))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("has been used in this process and stays here");
            process.kill();
            assertThatThrownBy(here::receive).isInstanceOf(ConnectionEndedException.class);
        }
    }

    @Test
    void anEndThatTwoUseBelongsToTheFirst() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            Connection there = pipe.second();
            WorkerProcess process = small().start(() -> there.poll(Duration.ofSeconds(60)));
            Connection here = pipe.first();
            // Not before it is used there: who takes it first has it.
            Conditions.await("it is taken").until(() -> {
                Caller<Boolean> poll = Caller.of(() -> here.poll(Duration.ZERO));
                poll.result();
                return here.toString().contains(", connected");
            });
            assertThatThrownBy(there::receive).isInstanceOf(IOException.class).hasMessageContaining("pipe");
            here.send("over");
            process.join();
            assertThat(process.exitCode()).hasValue(0);
        }
    }

    /** Two children speak to each other past their parent; one of them got its end over another connection. */
    @Test
    void endsGoToProcessesAndOnFromThere(@TempDir Path folder) throws Exception {
        try (Pipe between = Pipe.open();
                Pipe toTwo = Pipe.open();
                ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            Connection left = between.first();
            Connection right = between.second();
            Connection orders = toTwo.second();
            Connection inTwo = toTwo.first();
            WorkerProcess two = small().start(() -> {
                Connection got = orders.receive(Connection.class);
                got.send("to the right");
                orders.send(got.receive());
                got.close();
                assertThatThrownBy(orders::receive).isInstanceOf(ConnectionEndedException.class);
            });
            inTwo.send(left);
            // A task takes the other, does not use it, and gives it back as its value.
            Connection again = pool.submit(() -> right).get(60, SECONDS);
            assertThat(pool.submit(() -> {
                String got = again.receive(String.class);
                again.send(got + " and back");
                try {
                    again.receive();
                    return "more came";
                } catch (ConnectionEndedException e) {
                    return got;
                }
            }).get(60, SECONDS)).isEqualTo("to the right");
            assertThat(inTwo.receive()).isEqualTo("to the right and back");
            inTwo.close();
            two.join();
            assertThat(two.failure()).isEmpty();
        }
    }

    @Test
    void aKillEndsEveryWaitOfTheOtherSide() throws Exception {
        List<Caller<Object>> waits = new ArrayList<>();
        List<WorkerProcess> processes = new ArrayList<>();
        List<Pipe> pipes = new ArrayList<>();
        Pipe unread = Pipe.open();
        Connection unreadThere = unread.second();
        Pipe silent = Pipe.open();
        Connection silentThere = silent.second();
        Pipe idle = Pipe.open();
        Connection idleThere = idle.second();
        Pipe half = Pipe.open();
        Connection halfThere = half.second();
        pipes.addAll(List.of(unread, silent, idle, half));
        processes.add(small().start(() -> {
            unreadThere.send("up");
            silentThere.send("up");
            Thread sender = new Thread(() -> {
                try {
                    halfThere.sendBytes(new byte[8 << 20]);
                } catch (IOException | InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            sender.start();
            new CountDownLatch(idleThere.isClosed() ? 0 : 1).await(); // has this end, and never uses it
        }));
        assertThat(unread.first().receive()).isEqualTo("up");
        assertThat(silent.first().receive()).isEqualTo("up");
        waits.add(Caller.of(() -> {
            unread.first().sendBytes(new byte[8 << 20]);
            return "sent";
        }));
        waits.add(Caller.of(silent.first()::receive));
        waits.add(Caller.of(idle.first()::receive));
        Conditions.await("some of a message has come").until(() -> {
            half.first().poll(Duration.ZERO);
            return half.toString().contains(", connected");
        });
        waits.forEach(wait -> wait.awaitInside("select"));
        processes.getFirst().kill();
        for (Caller<Object> wait : waits) {
            assertThat(wait.failure()).isInstanceOf(ConnectionEndedException.class);
        }
        assertThatThrownBy(() -> half.first().receiveBytes()).isInstanceOf(ConnectionEndedException.class);
        pipes.forEach(Pipe::close);
    }

    /** As from a pipe of the system: a parent may join first, and then receive. */
    @Test
    void whatAProcessSentBeforeItEndedIsReceivedAfterwards() throws Exception {
        try (Pipe pipe = Pipe.open();
                Pipe other = Pipe.open()) {
            Connection there = pipe.second();
            Connection also = other.second();
            WorkerProcess process = small().start(() -> {
                for (int i = 0; i < 500; i++) {
                    there.send(i);
                }
                also.send("exits");
                System.exit(0);
            });
            process.join();
            for (int i = 0; i < 500; i++) {
                assertThat(pipe.first().receive()).isEqualTo(i);
            }
            assertThat(other.first().receive()).isEqualTo("exits");
            assertThatThrownBy(pipe.first()::receive).isInstanceOf(ConnectionEndedException.class);
            assertThatThrownBy(other.first()::receive).isInstanceOf(ConnectionEndedException.class);
        }
    }

    @Test
    void aProcessThatNeverReadItsEndEndsTheOther() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            Connection there = pipe.second();
            WorkerProcess process = small().jvmOptions("-XX:+NoSuchOption")
                    .output(WorkerOutput.DISCARD)
                    .start(() -> there.send(1));
            assertThatThrownBy(pipe.first()::receive).isInstanceOf(ConnectionEndedException.class);
            process.join();
        }
    }

    // ---- the one that opened the pipes is killed ----

    static final class Opener {
        public static void main(String[] arguments) throws Exception {
            var signals = new Signals(arguments[0]);
            Pipe connected = Pipe.open();
            Pipe waiting = Pipe.open();
            Connection theirs = connected.second();
            Connection unused = waiting.second();
            WorkerProcess.builder().heap("64m").start(() -> {
                // The end of the parent is this process's end: here it is put off, to see what the pipes do.
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    try {
                        theirs.receive();
                    } catch (ConnectionEndedException e) {
                        signals.set("connected one ended");
                    } catch (IOException | InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }));
                theirs.send("up");
                try {
                    unused.receive();
                } catch (ConnectionEndedException e) {
                    signals.set("waiting one ended");
                }
            });
            connected.first().receive();
            signals.set("up");
            new CountDownLatch(1).await();
        }
    }

    @Test
    void aKillOfTheOpenerEndsItsPipesAndLeavesNoFile(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        List<String> command = new ArrayList<>(WorkerProcesses.write(
                WorkerProcesses.arguments(Opener.class), folder.resolve("arguments")));
        command.add(1, "-Djava.io.tmpdir=" + folder);
        command.add(folder.toString());
        Process opener = new ProcessBuilder(command).inheritIO().start();
        try {
            signals.await("up");
            List<ProcessHandle> children = WorkerProcesses.of(opener.toHandle());
            assertThat(children).hasSize(1);
            opener.destroyForcibly().waitFor();
            children.getFirst().onExit().get(30, SECONDS);
            signals.await("connected one ended");
            assertThat(folders(folder)).isEmpty();
        } finally {
            opener.descendants().forEach(ProcessHandle::destroyForcibly);
            opener.destroyForcibly();
        }
    }
}
