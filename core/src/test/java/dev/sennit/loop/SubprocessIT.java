package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Conditions;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
@EnabledOnOs({OS.LINUX, OS.MAC})
class SubprocessIT {
    private static final Duration LONG = Duration.ofSeconds(60);

    private static Subprocess shell(String script) throws IOException, InterruptedException {
        return Subprocess.start(new ProcessBuilder("sh", "-c", script));
    }

    @Test
    void linesComeAsTheyArePrinted() {
        EventLoop.run(() -> {
            try (Subprocess echo =
                    shell("while read line; do echo \"got $line\"; echo \"err $line\" >&2; done; exit 7")) {
                for (String word : new String[] {"one", "two", "three"}) {
                    echo.stdin().write(word + "\n");
                    assertThat(echo.stdout().readLine(100)).isEqualTo("got " + word);
                    assertThat(echo.stderr().readLine(100)).isEqualTo("err " + word);
                }
                assertThat(echo.isAlive()).isTrue();
                assertThat(echo).hasToString("sh (" + echo.pid() + "), running");
                assertThat(echo.waitFor(Duration.ofMillis(1))).isFalse();
                echo.stdin().shutdownOutput();
                assertThat(echo.stdout().readLine(100)).isNull();
                assertThat(echo.waitFor()).isEqualTo(7);
                assertThat(echo).hasToString("sh (" + echo.pid() + "), exit code 7");
                return null;
            }
        });
    }

    @Test
    void othersGoOnWhileOneWaitsForOutput() {
        EventLoop.run(() -> {
            try (Subprocess silent = shell("read line; echo $line")) {
                TaskFuture<String> reader = EventLoop.current().submit(() -> silent.stdout().readLine(100));
                EventLoop.sleep(Duration.ofMillis(10));
                assertThat(reader.isDone()).isFalse();
                silent.stdin().write("hello\n");
                assertThat(reader.get()).isEqualTo("hello");
                return null;
            }
        });
    }

    @Test
    void megabytesGoThroughAndNoMoreIsHeldThanAPiece() {
        EventLoop.run(() -> {
            try (Subprocess cat = Subprocess.start(new ProcessBuilder("cat"))) {
                byte[] much = new byte[8 << 20];
                new java.util.SplittableRandom(1).nextBytes(much);
                TaskFuture<?> writer = EventLoop.current().submit(() -> {
                    cat.stdin().write(much);
                    cat.stdin().shutdownOutput();
                    return null;
                });
                EventLoop.sleep(Duration.ofMillis(50));
                assertThat(writer.isDone()).as("written, though nobody has read").isFalse();
                assertThat(Arrays.equals(cat.stdout().readAll(8 << 20), much)).isTrue();
                writer.get();
                assertThat(cat.waitFor()).isZero();
                return null;
            }
        });
    }

    @Test
    void aCancelledReaderLosesNothing() {
        EventLoop.run(() -> {
            try (Subprocess cat = Subprocess.start(new ProcessBuilder("cat"))) {
                var ended = new CountDownLatch(1);
                TaskFuture<?> reader = EventLoop.current().submit(() -> {
                    try {
                        return cat.stdout().readExactly(10);
                    } finally {
                        ended.countDown();
                    }
                });
                cat.stdin().write("abcde");
                EventLoop.sleep(Duration.ofMillis(20));
                reader.cancel(true);
                EventLoop.suspending(() -> ended.await(60, TimeUnit.SECONDS));
                cat.stdin().write("fghij");
                assertThat(cat.stdout().readExactly(10)).asString().isEqualTo("abcdefghij");
                cat.stdout().setReadTimeout(Duration.ofMillis(20));
                assertThatThrownBy(() -> cat.stdout().readLine(1))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("cat (" + cat.pid() + ") stdout");
                return null;
            }
        });
    }

    @Test
    void cancellingKillsItAndWhatItHasStarted() throws Exception {
        ProcessHandle[] seen = new ProcessHandle[2];
        try (EventLoop loop = EventLoop.open()) {
            TaskFuture<?> running = loop.submit(() -> {
                try (Subprocess parent = shell("sleep 1000 & echo $!; wait")) {
                    seen[1] = ProcessHandle.of(Long.parseLong(parent.stdout().readLine(100))).orElseThrow();
                    seen[0] = ProcessHandle.of(parent.pid()).orElseThrow();
                    return parent.waitFor();
                }
            });
            Conditions.await("it runs").until(() -> seen[0] != null);
            running.cancel(true);
        }
        Conditions.await("both are gone").until(() -> !seen[0].isAlive() && !seen[1].isAlive());
        Conditions.await("its threads are gone").until(() -> noThreadIsNamed("sh (" + seen[0].pid() + ")"));
    }

    @ParameterizedTest
    @EnumSource
    void oneThatIsNotClosedEndsWithItsLoop(EventLoop.Mechanism mechanism) throws Exception {
        EventLoop loop = EventLoop.builder().mechanism(mechanism).open();
        List<ProcessHandle> seen = loop.submit(() -> {
            Subprocess parent = shell("sleep 1000 & echo $!; wait");
            long child = Long.parseLong(parent.stdout().readLine(100));
            return List.of(ProcessHandle.of(parent.pid()).orElseThrow(), ProcessHandle.of(child).orElseThrow());
        }).get();
        assertThat(seen).allMatch(ProcessHandle::isAlive);
        loop.close();
        Conditions.await("both are gone").until(() -> seen.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void oneThatHasEndedLeavesNoThread() throws Exception {
        List<String> names;
        try (EventLoop loop = EventLoop.open()) {
            names = loop.submit(() -> {
                Subprocess silent = shell("exit 0");
                Subprocess unread = shell("exec head -c 1000000 /dev/zero >&2"); // more than is held here
                silent.waitFor();
                assertThatThrownBy(() -> silent.stdin().write("x")).isInstanceOf(IOException.class);
                assertThat(unread.stderr().read(new byte[1])).isEqualTo(1);
                assertThat(noThreadIsNamed("sh (" + unread.pid() + ")")).isFalse(); // else this test would see nothing
                unread.terminate();
                unread.waitFor();
                return List.of("sh (" + silent.pid() + ")", "sh (" + unread.pid() + ")");
            }).get();
            Conditions.await("nobody waits for input of the first").until(() -> noThreadIsNamed(names.get(0)));
        }
        Conditions.await("nor of the other one").until(() -> noThreadIsNamed(names.get(1)));
    }

    @Test
    void whatWasLeftBehindKeepsThreadsNoLongerThanItLives() throws Exception {
        ProcessHandle leftBehind;
        String threads;
        try (EventLoop loop = EventLoop.open()) {
            Subprocess parent = loop.submit(() -> shell("sleep 1000 & echo $!")).get();
            threads = "sh (" + parent.pid() + ")";
            leftBehind = loop.submit(() -> {
                parent.waitFor();
                return ProcessHandle.of(Long.parseLong(parent.stdout().readLine(100))).orElseThrow();
            }).get();
        }
        assertThat(leftBehind.isAlive()).isTrue();
        leftBehind.destroyForcibly();
        Conditions.await("its threads are gone").until(() -> noThreadIsNamed(threads));
    }

    private static boolean noThreadIsNamed(String start) {
        return Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().startsWith(start));
    }

    @Test
    void oneThatIsClosedIsNotKept() throws Exception {
        try (EventLoop loop = EventLoop.open()) {
            WeakReference<Subprocess> closed = loop.submit(() -> {
                Subprocess sleeper = shell("sleep 1000");
                sleeper.close();
                return new WeakReference<>(sleeper);
            }).get();
            Conditions.await("nobody has it").until(() -> {
                System.gc();
                return closed.refersTo(null);
            });
        }
    }

    @Test
    void oneThatIsStartedByAThreadThatHasOutlivedTheLoopIsKilled() throws Exception {
        var go = new CountDownLatch(1);
        var failure = new CompletableFuture<Throwable>();
        try (EventLoop loop = EventLoop.builder().mechanism(EventLoop.Mechanism.SCHEDULER).open()) {
            loop.submit(() -> Thread.startVirtualThread(() -> {
                try {
                    go.await();
                    failure.completeExceptionally(new AssertionError("started " + shell("sleep 1000")));
                } catch (IOException | InterruptedException e) {
                    failure.complete(e);
                }
            })).get();
        }
        go.countDown();
        assertThat(failure.get()).isInstanceOf(IOException.class).hasMessageContaining("was killed: loop-")
                .hasMessageContaining(" has ended");
    }

    @Test
    void closingWakesWhoReads() {
        EventLoop.run(() -> {
            Subprocess silent = shell("read line");
            TaskFuture<?> reader = EventLoop.current().submit(() -> silent.stdout().readLine(100));
            EventLoop.sleep(Duration.ofMillis(10));
            silent.close();
            assertThatThrownBy(reader::get).hasCauseInstanceOf(StreamClosedException.class);
            assertThat(silent.waitFor()).isEqualTo(128 + 9);
            return null;
        });
    }

    @Test
    void aProgramThatReadsNoMoreIsNamed() {
        EventLoop.run(() -> {
            try (Subprocess gone = shell("exec <&-; echo closed; read line <&1; exec sleep 1000")) {
                assertThat(gone.stdout().readLine(100)).isEqualTo("closed");
                assertThatThrownBy(() -> gone.stdin().write(new byte[1 << 20]))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("sh (" + gone.pid() + ") stdin: Broken pipe");
                gone.terminate();
                assertThat(gone.waitFor()).isEqualTo(128 + 15);
                return null;
            }
        });
    }

    // ---- communicate ----

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A new loop of a mechanism, with a body as its main coroutine. */
    private static void inLoop(EventLoop.Mechanism mechanism, Task<?> body) throws Exception {
        try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
            try {
                loop.submit(body).get();
            } finally {
                loop.shutdownNow();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void communicateWritesAndReadsBothAtOnce(EventLoop.Mechanism mechanism) throws Exception {
        inLoop(mechanism, () -> {
            byte[] much = new byte[4 << 20]; // more than all pipes hold: who does one after the other waits for ever
            new java.util.SplittableRandom(1).nextBytes(much);
            try (Subprocess both = shell("head -c 3000000 /dev/zero >&2; cat; head -c 3000000 /dev/zero >&2; exit 3")) {
                Subprocess.Output output = both.communicate(much, 10_000_000, null);
                assertThat(output.exitCode()).isEqualTo(3);
                assertThat(Arrays.equals(output.stdout(), much)).isTrue();
                assertThat(output.stderr()).hasSize(6_000_000);
            }
            return null;
        });
    }

    @ParameterizedTest
    @EnumSource
    void communicateTakesProgramsAsTheyAre(EventLoop.Mechanism mechanism) throws Exception {
        inLoop(mechanism, () -> {
            try (Subprocess deaf = shell("exec <&-; echo hello")) { // reads none of its input
                Subprocess.Output output = deaf.communicate(new byte[1 << 20], 100, LONG);
                assertThat(output.stdout()).asString().isEqualTo("hello\n");
                assertThat(output.exitCode()).isZero();
            }
            try (Subprocess silent = shell("exit 5")) {
                silent.waitFor();
                Subprocess.Output output = silent.communicate(new byte[0], 0, LONG);
                assertThat(output.exitCode()).isEqualTo(5);
                assertThat(output.stdout()).isEmpty();
            }
            try (Subprocess closesFirst = shell("exec >&- 2>&-; sleep 0.2; exit 6")) {
                assertThat(closesFirst.communicate(new byte[0], 0, LONG).exitCode()).isEqualTo(6);
            }
            try (Subprocess redirected = Subprocess.start(
                    new ProcessBuilder("sh", "-c", "echo out; echo err >&2").redirectErrorStream(true))) {
                Subprocess.Output output = redirected.communicate(new byte[0], 100, LONG);
                assertThat(output.stdout()).asString().isEqualTo("out\nerr\n");
                assertThat(output.stderr()).isEmpty();
            }
            try (Subprocess halfRead = Subprocess.start(new ProcessBuilder("cat"))) {
                halfRead.stdin().write("one\ntwo\n");
                assertThat(halfRead.stdout().readLine(10)).isEqualTo("one");
                assertThat(halfRead.communicate(bytes("three\n"), 100, LONG).stdout()).asString()
                        .isEqualTo("two\nthree\n");
            }
            return null;
        });
    }

    @ParameterizedTest
    @EnumSource
    void communicateHasLimitsAndLosesNothing(EventLoop.Mechanism mechanism) throws Exception {
        inLoop(mechanism, () -> {
            try (Subprocess cat = shell("cat; sleep 1000")) {
                assertThatThrownBy(() -> cat.communicate(bytes("hello"), 4, LONG))
                        .isInstanceOf(InputTooLongException.class)
                        .hasMessageContaining("sh (" + cat.pid() + ") stdout: the output is longer than 4 bytes");
                assertThatThrownBy(() -> cat.communicate(new byte[0], 5, Duration.ofMillis(50)))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("communicating with sh (" + cat.pid() + ") took longer than 50 ms");
                assertThat(cat.isAlive()).isTrue();
                assertThat(cat.stdout().readExactly(5)).asString().isEqualTo("hello");
                assertThatThrownBy(() -> cat.communicate(new byte[0], -1, null))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> cat.communicate(new byte[0], 1, Duration.ZERO))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            try (Subprocess endless = Subprocess.start(new ProcessBuilder("cat", "/dev/zero"))) {
                assertThatThrownBy(() -> endless.communicate(new byte[0], 1_000_000, null))
                        .isInstanceOf(InputTooLongException.class);
            }
            return null;
        });
    }

    @ParameterizedTest
    @EnumSource
    void communicateEndsWhenItIsCancelledOrTheProgramIsClosed(EventLoop.Mechanism mechanism) throws Exception {
        inLoop(mechanism, () -> {
            EventLoop loop = EventLoop.current();
            Subprocess cat = shell("cat; sleep 1000");
            try {
                var over = new CountDownLatch(1);
                TaskFuture<?> cancelled = loop.submit(() -> {
                    try {
                        return cat.communicate(bytes("hello"), 10, null);
                    } finally {
                        over.countDown();
                    }
                });
                EventLoop.sleep(Duration.ofMillis(100));
                assertThatThrownBy(() -> cat.communicate(new byte[0], 1, null))
                        .isInstanceOf(IllegalStateException.class);
                cancelled.cancel(true);
                EventLoop.suspending(() -> over.await(60, TimeUnit.SECONDS));
                assertThat(cat.isAlive()).isTrue();
                assertThat(cat.stdout().readExactly(5)).asString().isEqualTo("hello");

                TaskFuture<?> closed = loop.submit(() -> cat.communicate(new byte[0], 10, null));
                EventLoop.sleep(Duration.ofMillis(10));
                cat.close();
                assertThatThrownBy(closed::get).hasCauseInstanceOf(StreamClosedException.class);
            } finally {
                cat.close();
            }
            return null;
        });
    }

    /** It needs no further coroutine, which a loop that is being closed would refuse. */
    @ParameterizedTest
    @EnumSource
    void aLoopThatIsBeingClosedStillCommunicates(EventLoop.Mechanism mechanism) throws Exception {
        TaskFuture<String> output;
        try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
            output = loop.submit(() -> {
                try (Subprocess cat = Subprocess.start(new ProcessBuilder("cat"))) {
                    while (!loop.isShutdown()) {
                        EventLoop.sleep(Duration.ofMillis(1));
                    }
                    return new String(cat.communicate(bytes("hello"), 10, null).stdout(), StandardCharsets.UTF_8);
                }
            });
        }
        assertThat(output.get()).isEqualTo("hello");
    }

    // ---- signals ----

    private static final String TELLS_SIGNALS =
            "trap 'echo interrupted' INT; trap 'echo hung up' HUP; trap 'echo one' USR1; trap 'echo bye; exit 4' TERM;"
                    + " echo ready; while :; do sleep 0.01; done";

    @ParameterizedTest
    @EnumSource
    void signalsAreSentByNameAndByNumber(EventLoop.Mechanism mechanism) throws Exception {
        inLoop(mechanism, () -> {
            try (Subprocess shell = shell(TELLS_SIGNALS)) {
                assertThat(shell.stdout().readLine(10)).isEqualTo("ready");
                assertThat(shell.signal("INT")).isTrue();
                assertThat(shell.stdout().readLine(20)).isEqualTo("interrupted");
                assertThat(shell.signal(1)).isTrue();
                assertThat(shell.stdout().readLine(20)).isEqualTo("hung up");
                assertThat(shell.signal("USR1")).isTrue();
                assertThat(shell.stdout().readLine(20)).isEqualTo("one");
                assertThat(shell.signal("TERM")).isTrue();
                assertThat(shell.stdout().readLine(20)).isEqualTo("bye");
                assertThat(shell.waitFor()).isEqualTo(4);
                assertThat(shell.signal("TERM")).isFalse();
                assertThat(shell.signal(9)).isFalse();
            }
            try (Subprocess sleeper = shell("exec sleep 1000")) {
                assertThat(sleeper.signal("STOP")).isTrue();
                assertThat(sleeper.isAlive()).isTrue();
                assertThat(sleeper.signal("KILL")).isTrue();
                assertThat(sleeper.waitFor()).isEqualTo(128 + 9);
                assertThatThrownBy(() -> sleeper.signal("SIGTERM"))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("there is no signal \"SIGTERM\" here: names are such as TERM, HUP or USR1");
                assertThatThrownBy(() -> sleeper.signal(0))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("signal must be from 1 to 64, was 0");
            }
            return null;
        });
    }

    /** Asking a program to end leaves what it says about that to be read. */
    @Test
    void whatATerminatedProgramStillPrintsIsRead() {
        EventLoop.run(() -> {
            for (int i = 0; i < 20; i++) {
                try (Subprocess shell = shell(TELLS_SIGNALS)) {
                    assertThat(shell.stdout().readLine(10)).isEqualTo("ready");
                    shell.terminate();
                    assertThat(shell.stdout().readLine(20)).isEqualTo("bye");
                    assertThat(shell.waitFor()).isEqualTo(4);
                }
            }
            return null;
        });
    }

    @Test
    void directionsAndProgramsThatAreNotThere() {
        EventLoop.run(() -> {
            assertThatThrownBy(() -> Subprocess.start(new ProcessBuilder("no-such-program")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no-such-program");
            try (Subprocess cat = Subprocess.start(new ProcessBuilder("cat"))) {
                assertThatThrownBy(() -> cat.stdout().write("x")).hasMessageContaining("can only be read");
                assertThatThrownBy(() -> cat.stdin().readLine(1)).hasMessageContaining("can only be written to");
                assertThat(cat.stdout().remoteAddress()).isNull();
            }
            return null;
        });
    }
}
