package dev.sennit.pipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Claims at a meeting point that says what a test chooses: its process may be hostile, or stopped. */
@Timeout(120)
class EndClaimIT {
    private Path folder;
    private ServerSocketChannel server;
    private EndClaim claim;
    private int pending;
    private final AtomicInteger hurried = new AtomicInteger();
    private volatile Runnable whenHurried = hurried::incrementAndGet;

    @BeforeEach
    void open() throws IOException {
        pending = EndClaim.pending();
        folder = MeetingFolder.create();
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)));
        claim = EndClaim.received("1-1", folder, MeetingPoint.Token.random(), () -> whenHurried.run());
    }

    @AfterEach
    void close() throws IOException {
        server.close();
        Conditions.await("no claim is left").until(() -> EndClaim.pending() <= pending);
        MeetingFolder.remove(folder);
    }

    private SocketChannel accept() throws IOException {
        SocketChannel claimant = server.accept();
        Channels.newInputStream(claimant).readNBytes(3 * Long.BYTES);
        return claimant;
    }

    private static void say(SocketChannel claimant, int... bytes) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(bytes.length);
        for (int one : bytes) {
            message.put((byte) one);
        }
        claimant.write(message.flip());
    }

    @Test
    void anEndThatNobodyConnectsToIsGivenBack() throws Exception {
        claim.start();
        try (SocketChannel claimant = accept()) {
            say(claimant, MeetingPoint.HELD);
            CompletableFuture<SocketChannel> met = claim.meet();
            var in = new DataInputStream(Channels.newInputStream(claimant));
            assertThat(in.readByte()).isEqualTo(MeetingPoint.USES);
            say(claimant, MeetingPoint.LISTEN, 0, 0, 0, 1);
            assertThat(in.readByte()).isEqualTo(MeetingPoint.LISTENS);
            say(claimant, MeetingPoint.ACCEPT);
            server.close();
            assertThatThrownBy(met::get).isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(ConnectionEndedException.class);
        }
    }

    /** A channel says "Broken pipe" in a plain IOException when it writes to one that has ended. */
    @Test
    void aMeetingPointThatEndsBeforeItIsAnsweredEndsThePipe() throws Exception {
        var isClosed = new CountDownLatch(1);
        whenHurried = () -> Uninterruptibles.await(isClosed::await);
        try (var other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(folder.resolve("00000001")));
            claim.start();
            SocketChannel claimant = accept();
            say(claimant, MeetingPoint.HELD, MeetingPoint.HURRY, MeetingPoint.CONNECT, 0, 0, 0, 1);
            claim.awaitHeld();
            claimant.close();
            isClosed.countDown();
            assertThatThrownBy(() -> claim.meet().get()).hasCauseInstanceOf(ConnectionEndedException.class);
        } finally {
            isClosed.countDown();
        }
        Files.deleteIfExists(folder.resolve("00000001"));
    }

    @Test
    void anEndIsGivenUpThoughItsMeetingPointSaysNothing() throws Exception {
        claim.start();
        try (SocketChannel claimant = accept()) {
            claim.release();
            assertThat(claimant.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            assertThatThrownBy(() -> claim.meet().get()).isInstanceOf(ExecutionException.class);
        }
    }

    /** The meeting point is told of a claim that is given up early: it has to end the pipe for the other end. */
    @Test
    void anEndThatIsGivenUpBeforeItIsClaimedIsClaimedAndGivenUp() throws Exception {
        claim.release();
        claim.start();
        try (SocketChannel claimant = server.accept()) {
            assertThat(Channels.newInputStream(claimant).readAllBytes()).hasSize(3 * Long.BYTES);
        }
    }

    @Test
    void theWaitForAMeetingPointThatSaysNothingEnds() throws Exception {
        try (var _ = new TimersAtOnce()) {
            claim.start();
            try (SocketChannel claimant = accept()) {
                assertThatThrownBy(claim::awaitHeld).isInstanceOf(IOException.class).hasMessageContaining("pipe 1-1");
                assertThat(claimant.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            }
        }
    }

    @Test
    void anEndIsHurriedOnce() throws Exception {
        claim.start();
        try (SocketChannel claimant = accept()) {
            say(claimant, MeetingPoint.HELD, MeetingPoint.HURRY, MeetingPoint.HURRY, MeetingPoint.HURRY);
        }
        server.close();
        Conditions.await("the claim is over").until(() -> EndClaim.pending() <= pending);
        assertThat(hurried).hasValue(1);
    }

    @Test
    void aUseWithoutAThreadFails() throws Exception {
        claim.start();
        try (SocketChannel claimant = accept()) {
            say(claimant, MeetingPoint.HELD);
            claim.awaitHeld();
            try (var _ = FailingBackend.withoutThreads(thread -> thread.isVirtual())) {
                CompletableFuture<SocketChannel> met = claim.meet();
                assertThatThrownBy(met::get).isInstanceOf(ExecutionException.class)
                        .hasRootCauseInstanceOf(OutOfMemoryError.class);
            }
        }
    }

    @Test
    void aFailureOfTheHurriedEndIsTold() throws Exception {
        whenHurried = () -> {
            throw new OutOfMemoryError("for a test");
        };
        claim.start();
        try (SocketChannel claimant = accept()) {
            say(claimant, MeetingPoint.HURRY);
            CompletableFuture<SocketChannel> met = claim.meet();
            assertThatThrownBy(met::get).isInstanceOf(ExecutionException.class)
                    .hasRootCauseInstanceOf(OutOfMemoryError.class);
        }
    }

    /** A minute passes at once. */
    private static final class TimersAtOnce extends Backend implements AutoCloseable {
        private final Backend before = replace(this);

        @Override
        protected Future<?> schedule(Runnable action, long nanos) {
            return super.schedule(action, 0);
        }

        @Override
        public void close() {
            replace(before);
        }
    }
}
