package dev.sennit.internal.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class UnixDatagramIT {
    @TempDir
    Path folder;

    @Test
    void datagramsComeWholeAndInOrder() throws Exception {
        try (UnixDatagram socket = UnixDatagram.bind(folder.resolve("s"))) {
            byte[] longest = new byte[UnixDatagram.LONGEST];
            Arrays.fill(longest, (byte) 7);
            send(socket, "one");
            send(socket, "");
            UnixDatagram.send(socket.path().toString(), longest);
            send(socket, "two");

            assertThat(socket.receive()).asString().isEqualTo("one");
            assertThat(socket.receive()).isEmpty();
            assertThat(socket.receive()).isEqualTo(longest);
            assertThat(socket.receive()).asString().isEqualTo("two");
        }
    }

    @Test
    void aLongerDatagramIsDropped() throws Exception {
        try (UnixDatagram socket = UnixDatagram.bind(folder.resolve("s"))) {
            assertThatThrownBy(() -> UnixDatagram.send(
                    socket.path().toString(), new byte[UnixDatagram.LONGEST + 1]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("message must have <= 65536 bytes, had 65537");
            sendWithoutCheck(socket, UnixDatagram.LONGEST + 1);
            send(socket, "short");
            assertThat(socket.receive()).asString().isEqualTo("short");
        }
    }

    @Test
    void closingWakesTheReceiverAndLeavesNothing() throws Exception {
        Path path = folder.resolve("s");
        for (int i = 0; i < 200; i++) {
            UnixDatagram socket = UnixDatagram.bind(path);
            var receiver = new FutureTask<>(socket::receive);
            Thread thread = Thread.ofPlatform().start(receiver);
            if (i % 2 == 0) { // sometimes it is there already, sometimes it is about to
                Conditions.await("it receives").until(() -> thread.getState() == Thread.State.RUNNABLE);
            }
            socket.close();
            socket.close();
            assertThat(receiver.get(30, TimeUnit.SECONDS)).isNull();
            assertThat(socket.receive()).isNull();
            assertThat(path).doesNotExist();
        }
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            assertThat(descriptors.count()).as("descriptors").isLessThan(200);
        }
    }

    @Test
    void sendingNeverWaits() throws Exception {
        try (UnixDatagram socket = UnixDatagram.bind(folder.resolve("s"))) {
            assertThatThrownBy(() -> {
                for (int i = 0; i < 100_000; i++) {
                    send(socket, "more");
                }
            })
                    .isInstanceOf(IOException.class)
                    .hasMessage("cannot send a datagram to " + socket.path() + ": its receiver does not keep up");
        }
    }

    @Test
    void messagesSayWhatIsWrongAndWhere() throws Exception {
        Path path = folder.resolve("s");
        assertThatThrownBy(() -> UnixDatagram.send(path.toString(), new byte[1]))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot send a datagram to " + path + ": no such file or folder");
        assertThatThrownBy(() -> UnixDatagram.send("@sennit-nobody-here", new byte[1]))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot send a datagram to @sennit-nobody-here: nobody listens there");
        Files.createFile(path);
        assertThatThrownBy(() -> UnixDatagram.bind(path))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot receive datagrams at " + path + ": address already in use");
        assertThat(path).as("what is not ours").exists();
        assertThatThrownBy(() -> UnixDatagram.bind(folder.resolve("x".repeat(108))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("may have 107 bytes");
    }

    @Test
    void aNameInNoFileSystemIsReached() throws Exception {
        String name = "@sennit-test-" + ProcessHandle.current().pid();
        int receiver = Sockets.open(SocketName.AF_UNIX, Sockets.SOCK_DGRAM);
        try (Arena arena = Arena.ofConfined()) {
            Sockets.bind(receiver, SocketName.unix(arena, name));
            UnixDatagram.send(name, "hello".getBytes(UTF_8));
            MemorySegment read = arena.allocate(100);
            assertThat(SystemCall.READ.make(receiver, read.address(), 100)).isEqualTo(5);
            assertThat(read.getString(0)).isEqualTo("hello");
        } finally {
            Linux.close(receiver);
        }
    }

    private static void sendWithoutCheck(UnixDatagram socket, int length) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int sender = Sockets.open(SocketName.AF_UNIX, Sockets.SOCK_DGRAM);
            Sockets.connect(sender, SocketName.unix(arena, socket.path().toString()));
            assertThat(SystemCall.WRITE.make(sender, arena.allocate(length).address(), length)).isEqualTo(length);
            Linux.close(sender);
        }
    }

    private static void send(UnixDatagram socket, String text) throws IOException {
        UnixDatagram.send(socket.path().toString(), text.getBytes(UTF_8));
    }
}
