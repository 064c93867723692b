package dev.sennit.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.FailingBackend;
import dev.sennit.TaskSerializationException;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Notes between processes and their parents, requests to stop, and spares. */
@Timeout(120)
class WorkerNotesIT {
    private static final Duration LONG = Duration.ofSeconds(60);

    private static WorkerProcess.Builder small() {
        return WorkerProcess.builder().heap("64m");
    }

    private static void signal(String which, long pid) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + which, Long.toString(pid)).start().waitFor()).isZero();
    }

    private static void mustSend(ParentProcess parent, byte[] note) {
        while (!parent.send(note)) {
            LockSupport.parkNanos(100_000);
        }
    }

    private static final class Notes implements NoteListener {
        final LinkedBlockingQueue<String> came = new LinkedBlockingQueue<>();

        @Override
        public void note(WorkerProcess process, byte[] note) {
            came.add(new String(note, UTF_8));
        }

        void await(String expected) throws InterruptedException {
            assertThat(came.poll(60, SECONDS)).isEqualTo(expected);
        }
    }

    // ---- notes ----

    @Test
    void notesGoBothWaysInOrder() throws Exception {
        int count = 10_000;
        List<Integer> came = new ArrayList<>();
        Queue<Thread> threads = new ConcurrentLinkedQueue<>();
        WorkerProcess process = small()
                .onNote((from, note) -> {
                    threads.add(Thread.currentThread());
                    came.add(ByteBuffer.wrap(note).getInt());
                    if (came.size() % 5000 == 0) {
                        throw new IllegalStateException("the next comes all the same");
                    }
                })
                .start(() -> {
                    ParentProcess parent = WorkerProcess.parent().orElseThrow();
                    var all = new CountDownLatch(count);
                    parent.onNote(note -> {
                        mustSend(parent, note);
                        all.countDown();
                    });
                    all.await();
                });
        for (int i = 0; i < count; i++) {
            byte[] note = ByteBuffer.allocate(1 + i % 2000 + 3).putInt(i).array();
            while (!process.send(note)) {
                assertThat(process.isAlive()).isTrue();
                LockSupport.parkNanos(100_000);
            }
        }
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.exitCode()).hasValue(0);
        assertThat(came).hasSize(count).isSorted().doesNotHaveDuplicates();
        assertThat(threads.stream().distinct()).hasSize(1);
        assertThat(process.send(new byte[1])).isFalse();
        assertThat(WorkerProcess.parent()).isEmpty();
    }

    @Test
    void notesBeforeTheListenerAreKeptAndASecondListenerIsRefused(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        var notes = new Notes();
        WorkerProcess process = small().onNote(notes).start(() -> {
            ParentProcess parent = WorkerProcess.parent().orElseThrow();
            parent.send("up".getBytes(UTF_8));
            signals.await("all sent");
            var done = new CountDownLatch(1);
            parent.onNote(note -> {
                if (new String(note, UTF_8).equals("throw")) {
                    throw new IllegalStateException("the next comes all the same");
                }
                mustSend(parent, note);
                if (note.length == 0) {
                    done.countDown();
                }
            });
            try {
                parent.onNote(note -> {});
            } catch (IllegalStateException e) {
                mustSend(parent, "refused".getBytes(UTF_8));
            }
            done.await();
        });
        for (String each : List.of("before", "throw", "all", "")) {
            assertThat(process.send(each.getBytes(UTF_8))).isTrue();
        }
        notes.await("up");
        signals.set("all sent");
        assertThat(process.join(LONG)).isTrue();
        assertThat(notes.came).containsExactlyInAnyOrder("before", "all", "", "refused")
                .containsSubsequence("before", "all", "");
        assertThatThrownBy(() -> process.send(new byte[70_000])).isInstanceOf(IllegalArgumentException.class);
    }

    /** The sender does not wait for a process that has no listener of notes, nor for a process that does not read. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aProcessThatTakesNothingHoldsUpNobody() throws Exception {
        var notes = new Notes();
        WorkerProcess process = small().onNote(notes).start(() -> {
            WorkerProcess.parent().orElseThrow().send("up".getBytes(UTF_8));
            new CountDownLatch(1).await();
        });
        notes.await("up");
        signal("STOP", process.pid());
        byte[] note = new byte[Frames.LONGEST_NOTE];
        long start = System.nanoTime();
        int sent = 0;
        while (process.send(note)) {
            sent++;
        }
        assertThat(sent).isEqualTo(Outbox.MOST_NOTES / (Frames.HEADER + note.length));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        signal("CONT", process.pid());
        assertThat(process.send(note)).isFalse(); // the process reads, but has no listener
        process.stop(LONG); // a stop still fits
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.wasKilled()).isFalse();
        assertThat(process.exitCode()).hasValue(-15);
    }

    /** A note that is sent at the very end arrives, even if the parent is slow. */
    @Test
    void theLastNotesArrive() throws Exception {
        var bytes = new AtomicInteger();
        WorkerProcess process = small()
                .onNote((from, note) -> {
                    LockSupport.parkNanos(10_000_000);
                    bytes.addAndGet(note.length);
                })
                .start(() -> {
                    for (int i = 0; i < 15; i++) {
                        if (!WorkerProcess.parent().orElseThrow().send(new byte[60_000])) {
                            throw new IllegalStateException("no room");
                        }
                    }
                });
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.failure()).isEmpty();
        assertThat(bytes).hasValue(15 * 60_000);
    }

    @Test
    void aLargeMainAndALargeFailureArrive() throws Exception {
        byte[] large = new byte[20 << 20];
        WorkerProcess process = WorkerProcess.builder().heap("256m").output(WorkerOutput.DISCARD).start(() -> {
            throw new IOException("x".repeat(large.length / 4));
        });
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.failure()).get().isInstanceOf(IOException.class)
                .extracting(e -> e.getMessage().length()).isEqualTo(large.length / 4);
    }

    // ---- stop ----

    @Test
    void aStopRunsTheListenersWithTheTimeThatIsLeft() throws Exception {
        var notes = new Notes();
        WorkerProcess process = small().onNote(notes).start(() -> {
            ParentProcess parent = WorkerProcess.parent().orElseThrow();
            var stopped = new CountDownLatch(3);
            parent.onStop(limit -> {
                throw new IllegalStateException("harms nobody");
            });
            parent.onStop(limit -> {
                if (limit.compareTo(Duration.ofSeconds(20)) > 0 && limit.compareTo(Duration.ofSeconds(30)) <= 0) {
                    stopped.countDown();
                }
                parent.onStop(left -> stopped.countDown()); // after the stop was requested
                stopped.countDown();
            });
            parent.send(("up " + parent.isStopping()).getBytes(UTF_8));
            stopped.await();
            parent.send(("ends " + parent.isStopping()).getBytes(UTF_8));
        });
        notes.await("up false");
        assertThat(process.stop(Duration.ofSeconds(30)).get(60, SECONDS)).isSameAs(process);
        notes.await("ends true");
        assertThat(process.exitCode()).hasValue(0);
        assertThat(process.wasKilled()).isFalse();
    }

    @Test
    void withoutAListenerAStopRunsTheShutdownHooks(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        WorkerProcess process = small().start(() -> {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> signals.set("hook ran")));
            signals.set("up");
            new CountDownLatch(1).await();
        });
        signals.await("up");
        process.stop(LONG).get(60, SECONDS);
        assertThat(signals.isSet("hook ran")).isTrue();
        assertThat(process.exitCode()).hasValue(-15);
        assertThat(process.wasKilled()).isFalse();
    }

    @Test
    void oneThatDoesNotHeedAStopIsKilledAtItsLimitWhichCanGetShorter() throws Exception {
        var notes = new Notes();
        WorkerProcess process = small().onNote(notes).start(() -> {
            ParentProcess parent = WorkerProcess.parent().orElseThrow();
            parent.onStop(limit -> parent.send("heard".getBytes(UTF_8)));
            parent.send("up".getBytes(UTF_8));
            new CountDownLatch(1).await();
        });
        notes.await("up");
        process.stop(Duration.ofHours(1));
        notes.await("heard");
        long start = System.nanoTime();
        process.stop(Duration.ofMillis(300));
        process.stop(Duration.ofHours(2)); // does not extend the limit
        assertThat(process.wasKilled()).isFalse();
        assertThat(process.join(LONG)).isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(290));
        assertThat(process.wasKilled()).isTrue();
        assertThat(process.exitCode()).hasValue(-9);
        assertThat(notes.came).as("once only").isEmpty();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void oneThatStandsStillIsKilledAtItsLimit() throws Exception {
        var notes = new Notes();
        WorkerProcess process = small().onNote(notes).start(() -> {
            WorkerProcess.parent().orElseThrow().send("up".getBytes(UTF_8));
            new CountDownLatch(1).await();
        });
        notes.await("up");
        signal("STOP", process.pid());
        process.stop(Duration.ofMillis(200)).get(60, SECONDS);
        assertThat(process.wasKilled()).isTrue();
    }

    @Test
    void oneThatHasNotBegunIsStoppedToo(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        WorkerProcess process = small().start(() -> {
            signals.set("began");
            new CountDownLatch(1).await();
        });
        process.stop(LONG).get(60, SECONDS);
        assertThat(process.wasKilled()).isFalse();
        assertThat(process.exitCode()).hasValue(-15);
        assertThat(signals.isSet("began")).isFalse();
        assertThat(process.failure()).containsInstanceOf(WorkerStartException.class);
    }

    @Test
    void withoutATimerOrTimeItIsKilledAtOnce(@TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        WorkerProcess process = small().start(() -> {
            signals.set("up");
            new CountDownLatch(1).await();
        });
        signals.await("up");
        try (var _ = FailingBackend.withoutTimers()) {
            process.stop(Duration.ofHours(1));
        }
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.wasKilled()).isTrue();
        WorkerProcess other = small().start(() -> new CountDownLatch(1).await());
        other.stop(Duration.ZERO).get(60, SECONDS);
        assertThat(other.wasKilled()).isTrue();
    }

    /** A signal of another sender does not count as a stop of the library. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aKillByAnotherProgramIsTold() throws Exception {
        WorkerProcess process = small().start(() -> new CountDownLatch(1).await());
        signal("KILL", process.pid());
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.exitCode()).hasValue(-9);
        assertThat(process.wasKilled()).isFalse();
    }

    // ---- spares ----

    @Test
    void aSpareRunsOneMainUnderItsNewName() throws Exception {
        Queue<String> lines = new ConcurrentLinkedQueue<>();
        var notes = new Notes();
        PreparedProcess spare =
                small().name("spare").onLine((name, error, line) -> lines.add(name + ": " + line)).onNote(notes)
                        .prepare();
        assertThat(spare.onConnected().get(60, SECONDS)).isSameAs(spare);
        assertThat(spare).hasToString("PreparedProcess[spare, pid " + spare.pid() + ", waits for its main]");
        Object rock = new Object();
        assertThatThrownBy(() -> spare.start(() -> System.out.println(rock)))
                .isInstanceOf(TaskSerializationException.class);
        assertThatThrownBy(() -> spare.start(" ", () -> {})).isInstanceOf(IllegalArgumentException.class);
        WorkerProcess process = spare.start("worker", () -> {
            System.out.println(WorkerProcess.currentName().orElseThrow() + " " + Thread.currentThread().getName());
            WorkerProcess.parent().orElseThrow().send("hello".getBytes(UTF_8));
        });
        assertThat(process.pid()).isEqualTo(spare.pid());
        assertThat(process.name()).isEqualTo("worker");
        assertThatThrownBy(() -> spare.start(() -> {})).isInstanceOf(IllegalStateException.class);
        spare.close(); // the process does not belong to the spare any more
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.exitCode()).hasValue(0);
        assertThat(lines).containsExactly("worker: worker worker");
        notes.await("hello");
        assertThat(spare.isAlive()).isFalse();
    }

    @Test
    void aSpareThatHasNotConnectedBeginsWhenItHas() throws Exception {
        PreparedProcess spare = small().prepare();
        WorkerProcess process = spare.start(() -> System.exit(3));
        assertThat(WorkerProcess.active()).contains(process);
        assertThat(process.join(LONG)).isTrue();
        assertThat(process.exitCode()).hasValue(3);
        assertThat(WorkerProcess.active()).doesNotContain(process);
    }

    @Test
    void aSpareThatIsClosedOrKilledCannotBeStarted() throws Exception {
        PreparedProcess closed = small().prepare();
        closed.close();
        assertThatThrownBy(() -> closed.start(() -> {})).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> closed.onConnected().get(60, SECONDS)).hasCauseInstanceOf(WorkerStartException.class);
        PreparedProcess killed = small().prepare();
        killed.onConnected().get(60, SECONDS);
        ProcessHandle.of(killed.pid()).orElseThrow().destroyForcibly();
        Conditions.await("it is noticed").until(() -> !killed.isAlive());
        assertThatThrownBy(() -> killed.start(() -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("was killed by signal 9");
        assertThat(WorkerProcess.active()).isEmpty();
    }

    // ---- the end of the parent ----

    /** A parent. Arguments: a folder for signals, and how it starts its child. */
    static final class Parent {
        public static void main(String[] arguments) throws Exception {
            var signals = new Signals(arguments[0]);
            WorkerProcess.Builder builder = small();
            switch (arguments[1]) {
                case "kernel" -> builder.killedWithParent(true);
                case "zero" -> builder.orphanLimit(Duration.ZERO);
                default -> builder.orphanLimit(Duration.ofMillis(Long.parseLong(arguments[1])));
            }
            var process = new WorkerProcess[1];
            Thread starter = new Thread(() -> process[0] = builder.start(() -> {
                ParentProcess parent = WorkerProcess.parent().orElseThrow();
                parent.onStop(limit -> {
                    signals.set("listener " + (limit.compareTo(Duration.ofMillis(1500)) <= 0));
                    LockSupport.parkNanos(100_000_000);
                    signals.set("listener done");
                    if (arguments[1].equals("1499")) {
                        while (true) {
                            LockSupport.park();
                        }
                    }
                });
                Runtime.getRuntime().addShutdownHook(new Thread(() -> signals.set(
                        "hook " + signals.isSet("listener done"))));
                signals.set("up");
                new CountDownLatch(1).await();
            }));
            starter.start();
            starter.join(); // for the kernel, a parent is a thread
            signals.await("up");
            Files.writeString(Path.of(arguments[0], "pid.tmp"),
                    process[0].pid() + " " + process[0].isKilledWithParent());
            Files.move(Path.of(arguments[0], "pid.tmp"), Path.of(arguments[0], "pid"));
            new CountDownLatch(1).await();
        }
    }

    private static Process parent(Path folder, String how) throws Exception {
        List<String> command = new ArrayList<>(WorkerProcesses.write(
                WorkerProcesses.arguments(Parent.class), Files.createFile(folder.resolve("arguments"))));
        command.addAll(List.of(folder.toString(), how));
        return new ProcessBuilder(command).inheritIO().start();
    }

    private static ProcessHandle child(Path folder) throws Exception {
        new Signals(folder.toString()).await("pid");
        String[] said = Files.readString(folder.resolve("pid")).split(" ");
        return ProcessHandle.of(Long.parseLong(said[0])).orElseThrow();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theKernelKillsOneThatStandsStillWithItsParent(@TempDir Path folder) throws Exception {
        Process parent = parent(folder, "kernel");
        try {
            ProcessHandle child = child(folder);
            assertThat(Files.readString(folder.resolve("pid"))).endsWith(" " + ParentDeathSignal.isAvailable());
            assumeTrue(ParentDeathSignal.isAvailable());
            signal("STOP", child.pid());
            parent.destroyForcibly().waitFor();
            child.onExit().get(30, SECONDS);
            assertThat(new Signals(folder.toString()).isSet("listener true")).isFalse();
        } finally {
            parent.descendants().forEach(ProcessHandle::destroyForcibly);
            parent.destroyForcibly();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void oneThatStandsStillGoesOnAndEndsWhenTheParentHasEnded(@TempDir Path folder) throws Exception {
        assumeTrue(ParentDeathSignal.isAvailable());
        Process parent = parent(folder, "1500");
        try {
            ProcessHandle child = child(folder);
            try {
                signal("STOP", child.pid());
                parent.destroyForcibly().waitFor();
                child.onExit().get(30, SECONDS);
            } finally {
                child.destroyForcibly();
            }
            var signals = new Signals(folder.toString());
            assertThat(signals.isSet("listener true")).isTrue();
            assertThat(signals.isSet("hook true")).isTrue();
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    void stopListenersAndThenHooksRunWhenTheParentHasEnded(@TempDir Path folder) throws Exception {
        endOfTheParent(folder, "1500");
        var signals = new Signals(folder.toString());
        assertThat(signals.isSet("listener true")).isTrue();
        assertThat(signals.isSet("hook true")).isTrue();
    }

    @Test
    void aStopListenerThatHangsEndsAtTheOrphanLimit(@TempDir Path folder) throws Exception {
        endOfTheParent(folder, "1499");
        var signals = new Signals(folder.toString());
        assertThat(signals.isSet("listener done")).isTrue();
        assertThat(signals.isSet("hook true")).isFalse();
    }

    @Test
    void withoutAnOrphanLimitNothingRuns(@TempDir Path folder) throws Exception {
        endOfTheParent(folder, "zero");
        var signals = new Signals(folder.toString());
        assertThat(signals.isSet("listener true") || signals.isSet("hook false")).isFalse();
    }

    private static void endOfTheParent(Path folder, String how) throws Exception {
        Process parent = parent(folder, how);
        try {
            ProcessHandle child = child(folder);
            parent.destroyForcibly().waitFor();
            child.onExit().get(30, SECONDS);
        } finally {
            parent.destroyForcibly();
        }
        assertThatThrownBy(() -> small().orphanLimit(Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    // ---- hostile ----

    /** A process that sends an invalid message is killed, and its failure names the message. */
    @Test
    void aProcessThatLiesIsKilledAndNamed() throws Exception {
        Map<String, String> lies = Map.of(
                "ff00000000", "no frame has kind 255",
                "0500010001", "a NOTE has from 0 to 65536 bytes, and one of 65537",
                "05ffffffff", "and one of -1",
                "087fffffff", "a FAILURE has from 1 to 268435456 bytes",
                "03000000010a", "a MAIN has no place here",
                "0400000000", "a BEGUN has no place here",
                "01000000040000000a", "a GREETING has no place here",
                "060000000400000009", "9 bytes of notes were taken, where 0 were sent",
                "060000000480000000", "bytes of notes were taken, where 0 were sent");
        for (var lie : lies.entrySet()) {
            String bytes = lie.getKey();
            WorkerProcess process = small().start(() -> {
                WorkerProcess.parent().orElseThrow().outbox.add(ByteBuffer.wrap(HexFormat.of().parseHex(bytes)));
                new CountDownLatch(1).await();
            });
            assertThat(process.join(LONG)).isTrue();
            assertThat(process.failure()).as(lie.getValue()).get().isInstanceOf(StreamCorruptedException.class)
                    .extracting(Throwable::getMessage).asString().contains("process-", lie.getValue());
            assertThat(process.wasKilled()).isTrue();
        }
    }

    /** A parent that sends an invalid message or version loses its process, before and after the main. */
    @Test
    void aParentThatLiesLosesItsProcess() throws Exception {
        Map<String, String> lies = Map.of(
                "010000000400000009", "version 9",
                "0500000000", "a NOTE came before the greeting",
                "010000000400000001" + "0300000001aa", "a MAIN has no place here",
                "010000000400000001" + "0500000000", "a NOTE has no place here",
                "010000000400000001" + "037fffffff", "a MAIN has from 1 to 1073741824 bytes",
                "010000000400000001" + "ee00000000", "no frame has kind 238",
                "010000000400000001" + "0700000008ffffffffffffffff", "a STOP of -1 ns");
        for (var lie : lies.entrySet()) {
            assertThat(heardFrom(lie.getKey())).contains("does not understand its parent", lie.getValue());
        }
    }

    private static String heardFrom(String said) throws Exception {
        Path folder = MeetingFolder.create();
        List<String> command = new ArrayList<>(WorkerCommand.write(
                WorkerCommand.arguments(ProcessPool.builder().workerSettings(), WorkerProcessMain.class),
                folder.resolve("arguments")));
        command.add(1, "-Xmx32m"); // ends the process if it allocates the announced size
        command.addAll(List.of("liar's", folder.toString()));
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(folder.resolve("socket")));
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (SocketChannel classes = server.accept(); SocketChannel socket = server.accept()) {
                assertThat(classes.isConnected()).isTrue();
                Channels.newOutputStream(socket).write(HexFormat.of().parseHex(said));
                var out = new ByteArrayOutputStream();
                process.getInputStream().transferTo(out);
                assertThat(process.waitFor()).isEqualTo(1);
                return out.toString(UTF_8);
            } finally {
                process.destroyForcibly();
            }
        } finally {
            MeetingFolder.remove(folder);
        }
    }
}
