package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Conditions;
import dev.sennit.testing.FaultPlan.Chunk;
import dev.sennit.testing.FaultPlan.Fault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FaultProxyIT {
    private static final int LONG_ENOUGH = 30_000;

    private ServerSocket server;
    private volatile boolean silent;
    /** What each connection of the server has received when it is over. */
    private final BlockingQueue<CompletableFuture<byte[]>> received = new LinkedBlockingQueue<>();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();

    @BeforeEach
    void serve() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
        Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    Socket socket = server.accept();
                    sockets.add(socket);
                    Thread.ofVirtual().start(() -> echo(socket));
                }
            } catch (IOException e) {
                // closed
            }
        });
    }

    /** Sends back what comes, unless it is silent, and tells all of it in the end. */
    private void echo(Socket socket) {
        var all = new ByteArrayOutputStream();
        var told = new CompletableFuture<byte[]>();
        received.add(told);
        try (socket) {
            byte[] buffer = new byte[4096];
            for (int count = socket.getInputStream().read(buffer);
                    count >= 0;
                    count = socket.getInputStream().read(buffer)) {
                all.write(buffer, 0, count);
                if (!silent) {
                    socket.getOutputStream().write(buffer, 0, count);
                }
            }
        } catch (IOException e) {
            // reset
        }
        told.complete(all.toByteArray());
    }

    @AfterEach
    void stopServing() throws IOException {
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    private byte[] receivedNext() throws Exception {
        return received.poll(30, TimeUnit.SECONDS).get(30, TimeUnit.SECONDS);
    }

    private FaultProxy.Builder proxy() {
        return FaultProxy.to("127.0.0.1", server.getLocalPort()).seed(7).chunk(100);
    }

    private static Socket connect(FaultProxy proxy) throws IOException {
        var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), proxy.port());
        socket.setSoTimeout(LONG_ENOUGH);
        socket.setTcpNoDelay(true);
        return socket;
    }

    private static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        new Random(1).nextBytes(bytes);
        return bytes;
    }

    /** Sends in pieces of a size, and reads what comes back until it ends, or is reset. */
    private static byte[] converse(FaultProxy proxy, byte[] bytes, int piece) throws Exception {
        var back = new ByteArrayOutputStream();
        try (Socket socket = connect(proxy)) {
            Thread sender = Thread.ofVirtual().start(() -> {
                try {
                    for (int from = 0; from < bytes.length; from += piece) {
                        socket.getOutputStream().write(bytes, from, Math.min(piece, bytes.length - from));
                    }
                    socket.shutdownOutput();
                } catch (IOException e) {
                    // reset
                }
            });
            try {
                socket.getInputStream().transferTo(back);
            } catch (SocketTimeoutException e) {
                throw e;
            } catch (IOException e) {
                // reset
            }
            sender.join();
        }
        return back.toByteArray();
    }

    /** What the plan of a direction makes of bytes until the connection ends. */
    private static byte[] expected(byte[] bytes, boolean toServer, Map<Fault, Double> chances) {
        var plan = new FaultPlan(7, 0, toServer, chances, 100);
        var after = new ByteArrayOutputStream();
        for (int from = 0; from < bytes.length;) {
            Chunk chunk = plan.next();
            byte[] part = Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + chunk.length()));
            from += chunk.length();
            switch (chunk.fault()) {
                case CUT -> {
                    return after.toByteArray();
                }
                case HALVE -> {
                    after.write(part, 0, Math.min(part.length, chunk.length() / 2));
                    return after.toByteArray();
                }
                case GARBLE -> {
                    if (chunk.place() < part.length) {
                        part[chunk.place()] ^= (byte) (1 + (int) (chunk.share() * 255));
                    }
                    after.writeBytes(part);
                }
                case DUPLICATE -> {
                    after.writeBytes(part);
                    after.writeBytes(part.length == chunk.length() ? part : new byte[0]);
                }
                case DELAY, STAND_STILL -> after.writeBytes(part);
                case null -> after.writeBytes(part);
            }
        }
        return after.toByteArray();
    }

    @Test
    void withoutFaultsAllPassesBothWaysAndSoDoesTheEnd() throws Exception {
        byte[] bytes = bytes(1_000_000);
        try (FaultProxy proxy = proxy().open()) {
            assertThat(converse(proxy, bytes, 60_000)).isEqualTo(bytes);
            assertThat(receivedNext()).isEqualTo(bytes);
            assertThat(proxy.counts()).isEqualTo(new FaultCounts(1, 0, 0, 0, 0, 0, 0, 0, 2_000_000));
            assertThat(proxy.counts().faults()).isZero();
            assertThat(proxy).hasToString("fault proxy 127.0.0.1:" + proxy.port() + " -> 127.0.0.1:"
                    + server.getLocalPort() + ", seed 7: 1 connections (0 refused), 0 cut, 0 halved, 0 duplicated,"
                    + " 0 garbled, 0 delayed, 0 standstills, 2000000 bytes");
        }
    }

    @Test
    void eachFaultDoesWhatItsPlanSaysInWhateverPiecesTheBytesCome() throws Exception {
        byte[] bytes = bytes(5_000);
        silent = true; // the way back has faults of its own, which may come first
        for (Fault fault : List.of(Fault.CUT, Fault.HALVE, Fault.DUPLICATE, Fault.GARBLE)) {
            Map<Fault, Double> chances = Map.of(fault, 0.1);
            byte[] expected = expected(bytes, true, chances);
            assertThat(expected).as("%s happens", fault).isNotEqualTo(bytes);
            for (int piece : new int[] {1, 77, 5_000}) {
                FaultProxy.Builder settings = proxy();
                switch (fault) {
                    case CUT -> settings.cut(0.1);
                    case HALVE -> settings.halve(0.1);
                    case DUPLICATE -> settings.duplicate(0.1);
                    default -> settings.garble(0.1);
                }
                try (FaultProxy proxy = settings.open()) {
                    converse(proxy, bytes, piece);
                    byte[] got = receivedNext();
                    if (piece == 1 && (fault == Fault.CUT || fault == Fault.HALVE)) {
                        // a system may have dropped single bytes, and sends them no more after the reset
                        assertThat(expected).as("%s by %s", fault, piece).startsWith(got);
                    } else {
                        assertThat(got).as("%s by %s", fault, piece).isEqualTo(expected);
                    }
                    if (fault == Fault.CUT || fault == Fault.HALVE) {
                        assertThat(proxy.counts().faults()).isEqualTo(1);
                    } else {
                        assertThat(proxy.counts().faults()).isGreaterThan(1);
                    }
                }
            }
        }
    }

    @Test
    void theFirstHalfOfAChunkArrivesAndThenTheConnectionIsReset() throws Exception {
        try (FaultProxy proxy = proxy().halve(1).open();
                Socket socket = connect(proxy)) {
            int length = new FaultPlan(7, 0, true, Map.of(Fault.HALVE, 1.0), 100).next().length();
            socket.getOutputStream().write(bytes(length));
            assertThat(receivedNext()).isEqualTo(Arrays.copyOf(bytes(length), length / 2));
            assertThat(proxy.counts().halved()).isEqualTo(1);
            assertReset(socket);
        }
    }

    private static void assertReset(Socket socket) {
        assertThatThrownBy(() -> socket.getInputStream().readAllBytes())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("reset");
    }

    @Test
    void whatIsDelayedArrivesInOrder() throws Exception {
        byte[] bytes = bytes(2_000);
        try (FaultProxy proxy = proxy().delay(0.5, Duration.ofMillis(2))
                .standStill(0.2, Duration.ofMillis(2)).open()) {
            assertThat(converse(proxy, bytes, 500)).isEqualTo(bytes);
            assertThat(proxy.counts().delayed()).isPositive();
            assertThat(proxy.counts().standstills()).isPositive();
        }
    }

    @Test
    void aStandstillByChanceEndsByOrder() throws Exception {
        try (FaultProxy proxy = proxy().standStill(1, Duration.ofHours(10)).open();
                Socket socket = connect(proxy)) {
            socket.getOutputStream().write(1);
            Conditions.await("it stands still").until(() -> proxy.counts().standstills() > 0);
            proxy.spoil(false);
            proxy.goOn();
            assertThat(socket.getInputStream().read()).isEqualTo(1);
        }
    }

    @Test
    void nothingPassesUntilItGoesOn() throws Exception {
        try (FaultProxy proxy = proxy().open();
                Socket before = connect(proxy)) {
            before.getOutputStream().write(1);
            assertThat(before.getInputStream().read()).isEqualTo(1);
            proxy.standStill();
            proxy.standStill();
            assertThat(proxy.counts().standstills()).isEqualTo(1);
            before.getOutputStream().write(2);
            before.setSoTimeout(100);
            assertThatThrownBy(() -> before.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
            try (Socket after = connect(proxy)) {
                after.getOutputStream().write(3);
                after.shutdownOutput();
                proxy.goOn();
                assertThat(after.getInputStream().readAllBytes()).containsExactly(3);
            }
            before.setSoTimeout(LONG_ENOUGH);
            assertThat(before.getInputStream().read()).isEqualTo(2);
        }
    }

    @Test
    void allAreCutAtOnceAndNewOnesPass() throws Exception {
        try (FaultProxy proxy = proxy().open()) {
            List<Socket> cut = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                Socket socket = connect(proxy);
                socket.getOutputStream().write(i);
                assertThat(socket.getInputStream().read()).isEqualTo(i);
                cut.add(socket);
            }
            proxy.standStill(); // which does not keep them
            assertThat(proxy.cutAll()).isEqualTo(20);
            assertThat(proxy.cutAll()).isZero();
            proxy.goOn();
            for (Socket socket : cut) {
                assertReset(socket);
                socket.close();
            }
            assertThat(proxy.counts().cut()).isEqualTo(20);
            assertThat(converse(proxy, bytes(10), 10)).isEqualTo(bytes(10));
        }
    }

    @Test
    void newConnectionsAreRefusedByOrderAndByChance() throws Exception {
        try (FaultProxy proxy = proxy().open()) {
            proxy.refuse(true);
            assertThat(converse(proxy, bytes(10), 10)).isEmpty();
            proxy.refuse(false);
            assertThat(converse(proxy, bytes(10), 10)).isEqualTo(bytes(10));
            assertThat(proxy.counts().refused()).isEqualTo(1);
        }
        try (FaultProxy proxy = proxy().refuse(0.5).open()) {
            for (int i = 0; i < 10; i++) {
                assertThat(converse(proxy, bytes(10), 10).length).isEqualTo(FaultPlan.refuses(7, i, 0.5) ? 0 : 10);
            }
            assertThat(proxy.counts().refused()).isBetween(1L, 9L);
        }
    }

    @Test
    void aServerThatIsNotThereEndsTheConnection() throws Exception {
        try (FaultProxy proxy = proxy().open()) {
            server.close();
            assertThat(converse(proxy, bytes(10), 10)).isEmpty();
        }
    }

    @Test
    void closingEndsConnectionsAndThreads() throws Exception {
        FaultProxy proxy = proxy().delay(0.5, Duration.ofHours(1)).standStill(0.5, Duration.ofHours(1)).open();
        try (proxy;
                Socket held = connect(proxy);
                Socket idle = connect(proxy)) {
            held.getOutputStream().write(bytes(10));
            Conditions.await("it is held").until(() -> proxy.counts().faults() > 0);
            Conditions.await("there is another").until(() -> proxy.counts().connections() == 2);
            proxy.close();
            assertReset(held);
            assertReset(idle);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("sennit-fault-proxy-" + proxy.port() + "-"));
        assertThat(proxy.toString()).contains(", closed: ");
        assertThatThrownBy(() -> connect(proxy)).isInstanceOf(IOException.class);
    }
}
