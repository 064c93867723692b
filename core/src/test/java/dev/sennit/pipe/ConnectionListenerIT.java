package dev.sennit.pipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.TaskSerializationException;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.manager.Forgery;
import dev.sennit.manager.ManagerServer;
import dev.sennit.process.WorkerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.ValueWrapper;

@Timeout(120)
class ConnectionListenerIT {
    private static final byte[] KEY = "a key of 24 letters, say".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private static ConnectionListener open(String kind, Path folder) {
        return switch (kind) {
            case "local" -> ConnectionListener.local();
            case "file" -> ConnectionListener.at(ConnectionAddress.of(folder.resolve("socket"), KEY));
            default -> ConnectionListener.at(ConnectionAddress.of(0, KEY));
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "file", "port"})
    void aProcessConnectsByAddress(String kind, @TempDir Path folder) throws Exception {
        try (ConnectionListener listener = open(kind, folder)) {
            ConnectionAddress address = listener.address();
            WorkerProcess process = WorkerProcess.builder().heap("64m").start(() -> {
                try (Connection connection = Connection.connect(address)) {
                    connection.send(List.of("hello", connection.receive(Integer.class) + 1));
                    connection.sendBytes(new byte[1 << 20]);
                }
            });
            try (Connection accepted = listener.accept()) {
                accepted.send(41);
                assertThat(accepted.receive()).isEqualTo(List.of("hello", 42));
                assertThat(accepted.receiveBytes()).hasSize(1 << 20);
                assertThatThrownBy(accepted::receive).isInstanceOf(ConnectionEndedException.class);
            }
            process.join();
            assertThat(process.exitCode()).hasValue(0);
        }
        assertThat(folder).isEmptyDirectory();
    }

    /** Whoever knows place and key needs no address that was sent. */
    @Test
    void placeAndKeyMakeTheAddress(@TempDir Path folder) throws Exception {
        try (ConnectionListener listener = open("file", folder);
                Connection one = Connection.connect(ConnectionAddress.of(folder.resolve("socket"), KEY));
                Connection other = listener.accept()) {
            assertThat(listener.address()).isEqualTo(ConnectionAddress.of(folder.resolve("socket"), KEY));
            one.send("x");
            assertThat(other.receive()).isEqualTo("x");
            assertThat(listener.address().toString()).contains("socket").doesNotContain("key");
            assertThatThrownBy(() -> ConnectionListener.at(listener.address()))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("no listener at " + folder.resolve("socket"));
        }
        assertThatThrownBy(() -> ConnectionAddress.of(folder, new byte[15]))
                .hasMessageContaining("key must have >= 16 bytes, had 15");
        assertThatThrownBy(() -> ConnectionAddress.of(-1, KEY)).hasMessageContaining("port must be >= 0");
        assertThatThrownBy(() -> Connection.connect(ConnectionAddress.of(folder.resolve("socket"), KEY)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot connect to the listener at");
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "port"})
    void nobodyWithoutTheKeyIsAccepted(String kind, @TempDir Path folder) throws Exception {
        try (ConnectionListener listener = open(kind, folder)) {
            var at = listener.address().at();
            List<SocketChannel> silent = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                SocketChannel channel = SocketChannel.open(at);
                if (i % 2 == 0) {
                    channel.write(ByteBuffer.allocate(i));
                }
                silent.add(channel);
            }
            try (Connection one = Connection.connect(listener.address());
                    Connection accepted = listener.accept()) {
                one.send("the only one");
                assertThat(accepted.receive()).isEqualTo("the only one");
            }
            for (SocketChannel channel : silent) {
                channel.close();
            }
            Caller<Connection> waits = Caller.of(listener::accept);
            waits.awaitWaitingIn("take");
            waits.interrupt();
            assertThat(waits.failure()).isInstanceOf(InterruptedException.class);
        }
    }

    @Test
    void anotherKeyIsNamedOnBothSides(@TempDir Path folder) throws Exception {
        Path socket = folder.resolve("socket");
        try (ConnectionListener listener = open("file", folder)) {
            assertThatThrownBy(() -> Connection.connect(ConnectionAddress.of(socket, new byte[24])))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("the listener has another key, or is too busy");
            assertThat(listener.toString()).contains("0 wait");
        }
        try (ManagerServer manager = ManagerServer.local()) { // proves its key to managers' clients only
            assertThatThrownBy(() -> Connection.connect(
                    ConnectionAddress.of(Path.of(Forgery.socket(manager.address())), Forgery.key(manager.address()))))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("is no listener of this version");
        }
    }

    @Test
    void eachSideReadsBehindItsOwnList(@TempDir Path folder) throws Exception {
        try (ConnectionListener listener = open("file", folder);
                Connection one = Connection.connect(listener.address());
                Connection other = listener.accept()) {
            one.allow("org.opentest4j.*").send(ValueWrapper.create("x"));
            assertThatThrownBy(other::receive).isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("not on the allow-list");
            other.send(ValueWrapper.create("y"));
            assertThat(one.receive(ValueWrapper.class).getValue()).isEqualTo("y");
            assertThatThrownBy(() -> one.send(other)).isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("stays here");
        }
    }

    @Test
    void moreThanItHoldsAreTurnedAway(@TempDir Path folder) throws Exception {
        try (ConnectionListener listener = open("file", folder)) {
            List<Connection> all = new ArrayList<>();
            for (int i = 0; i < 128; i++) {
                all.add(Connection.connect(listener.address()));
            }
            Conditions.await("all wait").until(() -> listener.toString().contains("128 wait"));
            try (Connection tooMany = Connection.connect(listener.address())) {
                assertThatThrownBy(tooMany::receive).isInstanceOf(ConnectionEndedException.class);
            }
            for (Connection one : all) {
                one.send("still there");
            }
            for (Connection one : all) { // in the order in which they proved the key
                try (Connection accepted = listener.accept()) {
                    assertThat(accepted.receive()).isEqualTo("still there");
                }
                one.close();
            }
        }
    }

    /** Else its file would be in the way of the next, with nobody listening. */
    @Test
    void aListenerWithoutAThreadLeavesNoFile(@TempDir Path folder) {
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().endsWith("-accept"))) {
            assertThatThrownBy(() -> open("file", folder)).isInstanceOf(FailingBackend.NoThread.class);
        }
        assertThat(folder).isEmptyDirectory();
        open("file", folder).close();
    }

    @Test
    void aListenerThatCannotHaveItsFileLeavesItThere(@TempDir Path folder) {
        try (ConnectionListener _ = open("file", folder)) {
            assertThatThrownBy(() -> open("file", folder)).isInstanceOf(UncheckedIOException.class);
            assertThat(folder.resolve("socket")).exists();
        }
    }

    @Test
    void aCloseEndsWhoWaitsAndLeavesWhatWasAccepted(@TempDir Path folder) throws Exception {
        ConnectionListener listener = open("file", folder);
        Connection one = Connection.connect(listener.address());
        Connection accepted = listener.accept();
        Connection unaccepted = Connection.connect(listener.address());
        Conditions.await("it waits").until(() -> listener.toString().contains("1 wait"));
        listener.close();
        listener.close();
        assertThatThrownBy(listener::accept).isInstanceOf(IOException.class).hasMessageContaining("is closed");
        assertThatThrownBy(unaccepted::receive).isInstanceOf(ConnectionEndedException.class);
        one.send("goes on");
        assertThat(accepted.receive()).isEqualTo("goes on");
        assertThat(Files.exists(folder.resolve("socket"))).isFalse();
        unaccepted.close();
        accepted.close();
        one.close();
    }
}
