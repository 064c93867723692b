package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All that holds for streams holds over TLS too. */
class TlsStreamsIT extends StreamsIT {
    private static final Duration LONG = Duration.ofSeconds(60);

    private static SSLContext certified;
    private static SSLContext somebodyElse;

    @BeforeAll
    static void certify(@TempDir Path folder) throws Exception {
        KeyStore one = Certificates.make(folder, "server");
        KeyStore other = Certificates.make(folder, "other");
        certified = Certificates.context(one, one);
        somebodyElse = Certificates.context(other, other);
    }

    @Override
    protected ByteStream connect(Listener listener) throws Exception {
        return ByteStream.connectTls("127.0.0.1", listener.port(), certified, LONG);
    }

    @Override
    protected Listener listen() throws Exception {
        return Listener.openTls(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), certified);
    }

    private TaskFuture<String> oneLine(Listener listener) {
        return EventLoop.current().submit(() -> {
            try (ByteStream server = listener.accept()) {
                return server.readLine(100);
            }
        });
    }

    private static Throwable failure(TaskFuture<?> future) throws InterruptedException {
        try {
            throw new AssertionError("should have failed: " + future.get());
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    @Test
    void aCertificateThatIsNotTrustedIsRefusedOnBothSides() {
        EventLoop.run(() -> {
            try (Listener listener = listen()) {
                TaskFuture<String> server = oneLine(listener);
                assertThatThrownBy(() -> ByteStream.connectTls("127.0.0.1", listener.port(), somebodyElse, LONG))
                        .isInstanceOf(SSLHandshakeException.class)
                        .hasMessageContaining("connection to /127.0.0.1:")
                        .hasMessageContaining("PKIX");
                assertThat(failure(server)).isInstanceOf(SSLException.class)
                        .hasMessageContaining("Received fatal alert");
                return null;
            }
        });
    }

    @Test
    void aCertificateOfAnotherHostIsRefused() {
        EventLoop.run(() -> {
            try (Listener listener = listen()) {
                oneLine(listener);
                assertThatThrownBy(() -> ByteStream.connectTls("localhost", listener.port(), certified, LONG))
                        .isInstanceOf(SSLHandshakeException.class)
                        .hasMessageContaining("matching localhost");
                return null;
            }
        });
    }

    @Test
    void somebodyWhoDoesNotSpeakTlsIsRefused() {
        EventLoop.run(() -> {
            try (Listener listener = listen()) {
                TaskFuture<String> server = oneLine(listener);
                try (ByteStream client = ByteStream.connect("127.0.0.1", listener.port())) {
                    client.write("GET / HTTP/1.1\r\n\r\n");
                    assertThat(failure(server)).isInstanceOf(SSLException.class)
                            .hasMessageContaining("connection from");
                }
                return null;
            }
        });
    }

    @Test
    void aServerThatIsSilentDoesNotHoldTheHandshake() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            EventLoop.run(() -> {
                assertThatThrownBy(() -> ByteStream.connectTls("127.0.0.1", silent.getLocalPort(), certified,
                        Duration.ofMillis(100)))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("took longer than 100 ms");
                return null;
            });
        }
    }

    /** Somebody in between who ends the connection cannot pass for the other side. */
    @Test
    void aConnectionThatIsCutOffIsNotTakenForItsEnd() {
        EventLoop.run(() -> {
            try (Listener listener = listen(); Listener between = Listener.open(0)) {
                var halfIsThere = new CountDownLatch(1);
                TaskFuture<?> middle = EventLoop.current().submit(() -> {
                    try (ByteStream near = between.accept();
                            ByteStream far = ByteStream.connect("127.0.0.1", listener.port())) {
                        TaskFuture<?> there = copy(near, far);
                        TaskFuture<?> back = copy(far, near);
                        EventLoop.suspending(() -> halfIsThere.await(60, TimeUnit.SECONDS));
                        there.cancel(true);
                        back.cancel(true);
                    }
                    return null;
                });
                TaskFuture<byte[]> server = EventLoop.current().submit(() -> {
                    try (ByteStream accepted = listener.accept()) {
                        byte[] half = accepted.readExactly(11);
                        halfIsThere.countDown();
                        accepted.readAll(100);
                        return half;
                    }
                });
                try (ByteStream client = ByteStream.connectTls("127.0.0.1", between.port(), certified, LONG)) {
                    client.write("half of the");
                    assertThat(failure(server)).isInstanceOf(SSLException.class).hasMessageContaining("was cut off");
                }
                middle.get();
                return null;
            }
        });
    }

    private static TaskFuture<?> copy(ByteStream from, ByteStream to) {
        return EventLoop.current().submit(() -> {
            byte[] bytes = new byte[10_000];
            for (int count = from.read(bytes); count > 0; count = from.read(bytes)) {
                to.write(java.util.Arrays.copyOf(bytes, count));
            }
            return null;
        });
    }
}
