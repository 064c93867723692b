package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Conditions;
import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** On the loopback interface no datagram is lost that finds room. */
@Timeout(120)
@ParameterizedClass
@EnumSource
record DatagramsIT(EventLoop.Mechanism mechanism) {
    private interface Body {
        void run(EventLoop loop) throws Exception;
    }

    private void inLoop(Body body) throws Exception {
        try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
            try {
                loop.submit(() -> {
                    body.run(loop);
                    return null;
                }).get();
            } finally {
                loop.shutdownNow();
            }
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(DatagramEndpoint.Datagram datagram) {
        return new String(datagram.bytes(), StandardCharsets.UTF_8);
    }

    @Test
    void datagramsComeWithTheirSenderAndTheirBounds() throws Exception {
        inLoop(loop -> {
            try (DatagramEndpoint one = DatagramEndpoint.open(0); DatagramEndpoint other = DatagramEndpoint.open(0)) {
                one.send(bytes("hello"), other.localAddress());
                one.send(new byte[0], other.localAddress());
                one.send(new byte[65_507], other.localAddress());
                DatagramEndpoint.Datagram first = other.receive();
                assertThat(text(first)).isEqualTo("hello");
                assertThat(first.sender()).isEqualTo(one.localAddress());
                assertThat(other.receive().bytes()).isEmpty();
                assertThat(other.receive().bytes()).hasSize(65_507);
                other.send(bytes("and back"), first.sender());
                assertThat(text(one.receive())).isEqualTo("and back");
                assertThatThrownBy(() -> one.send(new byte[65_508], other.localAddress()))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("datagram endpoint at /127.0.0.1:" + one.localAddress().getPort());
                assertThat(one.remoteAddress()).isNull();
            }
        });
    }

    @Test
    void othersGoOnWhileOneWaits() throws Exception {
        inLoop(loop -> {
            try (DatagramEndpoint one = DatagramEndpoint.open(0); DatagramEndpoint other = DatagramEndpoint.open(0)) {
                TaskFuture<?> echo = loop.submit(() -> {
                    while (true) {
                        DatagramEndpoint.Datagram come = other.receive();
                        other.send(come.bytes(), come.sender());
                    }
                });
                for (int i = 0; i < 1000; i++) {
                    one.send(bytes("ball " + i), other.localAddress());
                    assertThat(text(one.receive())).isEqualTo("ball " + i);
                }
                echo.cancel(true);
            }
        });
    }

    @Test
    void aConnectedOneHearsOnlyOfItsPeer() throws Exception {
        inLoop(loop -> {
            try (DatagramEndpoint server = DatagramEndpoint.open(0);
                    DatagramEndpoint stranger = DatagramEndpoint.open(0);
                    DatagramEndpoint client = DatagramEndpoint.connect("localhost", server.localAddress().getPort())) {
                assertThat(client.remoteAddress()).isEqualTo(server.localAddress());
                client.send(bytes("question"));
                stranger.send(bytes("wrong answer"), client.localAddress());
                server.send(bytes("answer"), server.receive().sender());
                assertThat(text(client.receive())).isEqualTo("answer");
                assertThatThrownBy(() -> client.send(bytes("x"), stranger.localAddress()))
                        .isInstanceOf(IllegalStateException.class);
                assertThatThrownBy(() -> server.send(bytes("x"))).isInstanceOf(IllegalStateException.class);
            }
        });
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void thatNobodyReceivesIsToldToAConnectedOne() throws Exception {
        inLoop(loop -> {
            int port;
            try (var gone = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
                port = gone.getLocalPort();
            }
            try (DatagramEndpoint client = DatagramEndpoint.connect("127.0.0.1", port)) {
                client.send(bytes("is anybody there"));
                assertThatThrownBy(client::receive)
                        .isInstanceOf(PortUnreachableException.class)
                        .hasMessage("datagram endpoint to /127.0.0.1:" + port + ": nobody receives there");
                try (DatagramEndpoint late = DatagramEndpoint.open(port)) {
                    client.send(bytes("still open"));
                    assertThat(text(late.receive())).isEqualTo("still open");
                }
            }
        });
    }

    @Test
    void everyWaitEnds() throws Exception {
        inLoop(loop -> {
            DatagramEndpoint one = DatagramEndpoint.open(0);
            var over = new CountDownLatch(1);
            TaskFuture<?> cancelled = loop.submit(() -> {
                try {
                    return one.receive();
                } finally {
                    over.countDown();
                }
            });
            EventLoop.sleep(Duration.ofMillis(10));
            assertThatThrownBy(one::receive).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("receives at");
            cancelled.cancel(true);
            EventLoop.suspending(() -> over.await(60, TimeUnit.SECONDS));
            one.setReceiveTimeout(Duration.ofMillis(20));
            assertThatThrownBy(one::receive)
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("reading from datagram endpoint at")
                    .hasMessageContaining("took longer than 20 ms");
            one.setReceiveTimeout(null);
            assertThat(one.isClosed()).isFalse();
            TaskFuture<?> closed = loop.submit(one::receive);
            EventLoop.sleep(Duration.ofMillis(10));
            Thread other = Thread.ofPlatform().start(one::close);
            assertThatThrownBy(closed::get).hasCauseInstanceOf(StreamClosedException.class);
            EventLoop.suspending(() -> {
                other.join();
                return true;
            });
            assertThatThrownBy(one::receive).isInstanceOf(StreamClosedException.class);
            assertThatThrownBy(() -> one.send(new byte[1], one.localAddress()))
                    .isInstanceOf(StreamClosedException.class);
            assertThatThrownBy(() -> one.setOption(StandardSocketOptions.SO_RCVBUF, 1))
                    .isInstanceOf(StreamClosedException.class);
            assertThat(one.toString()).endsWith(", closed");
        });
    }

    /** The end of the loop ends the last wait, too. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void nothingIsLeft() throws Exception {
        inLoop(loop -> DatagramEndpoint.open(0).close());
        int before = files();
        DatagramEndpoint[] left = new DatagramEndpoint[1];
        inLoop(loop -> {
            left[0] = DatagramEndpoint.open(0);
            loop.submit(left[0]::receive);
            DatagramEndpoint.connect("127.0.0.1", left[0].localAddress().getPort());
        });
        assertThat(left[0].isClosed()).isTrue();
        Conditions.await("nothing is left").untilAsserted(() -> assertThat(files()).isLessThanOrEqualTo(before));
    }

    private static int files() {
        return Objects.requireNonNull(new File("/proc/self/fd").list()).length;
    }

    /** None is held here: what finds no room with the system is gone, and memory is not taken by it. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void theSystemsBufferIsTheBound() throws Exception {
        inLoop(loop -> {
            try (DatagramEndpoint slow = DatagramEndpoint.open(0); DatagramEndpoint quick = DatagramEndpoint.open(0)) {
                slow.setOption(StandardSocketOptions.SO_RCVBUF, 20_000);
                for (int i = 0; i < 1000; i++) {
                    quick.send(new byte[1000], slow.localAddress());
                }
                slow.receive(); // without a limit, which a busy machine may be too late for
                slow.setReceiveTimeout(Duration.ofMillis(50));
                int come = 1;
                try {
                    while (true) {
                        slow.receive();
                        come++;
                    }
                } catch (SocketTimeoutException e) {
                    // those were all
                }
                assertThat(come).isLessThanOrEqualTo(100);
            }
        });
    }

    /** Of a loop with its own scheduler: with the other one, a thread gives the port back some moments later. */
    @Test
    void aPortIsFreeAgainOnceItWasClosed() throws Exception {
        new DatagramsIT(EventLoop.Mechanism.SCHEDULER).inLoop(loop -> {
            DatagramEndpoint one = DatagramEndpoint.open(0);
            one.close();
            DatagramEndpoint.open(one.localAddress().getPort()).close();
            Listener listener = Listener.open(0);
            listener.close();
            Listener.open(listener.port()).close();
        });
    }

    @Test
    void plainSocketsUnderstandIt() throws Exception {
        try (var plain = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            inLoop(loop -> {
                try (DatagramEndpoint one = DatagramEndpoint.open(0)) {
                    one.send(bytes("hello"), (InetSocketAddress) plain.getLocalSocketAddress());
                    var packet = new DatagramPacket(new byte[100], 100);
                    EventLoop.suspending(() -> {
                        plain.receive(packet);
                        return true;
                    });
                    packet.setData(bytes("bye"));
                    plain.send(packet);
                    assertThat(text(one.receive())).isEqualTo("bye");
                }
            });
        }
    }

    @Test
    void whatCannotBeIsNamed() throws Exception {
        inLoop(loop -> {
            try (DatagramEndpoint one = DatagramEndpoint.open(0)) {
                int port = one.localAddress().getPort();
                assertThatThrownBy(() -> DatagramEndpoint.open(port))
                        .isInstanceOf(BindException.class)
                        .hasMessageContaining("cannot receive at")
                        .hasMessageContaining(String.valueOf(port));
                assertThatThrownBy(() -> DatagramEndpoint.connect("no-such-host.invalid", 1))
                        .isInstanceOf(UnknownHostException.class);
                assertThatThrownBy(() -> one.send(new byte[1], InetSocketAddress.createUnresolved("localhost", port)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("must be resolved");
                assertThatThrownBy(() -> one.setReceiveTimeout(Duration.ZERO))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        });
        assertThatThrownBy(() -> DatagramEndpoint.open(0)).isInstanceOf(IllegalStateException.class);
    }
}
