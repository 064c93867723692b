package dev.sennit.pipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Claimants that say what a test chooses: their processes may be hostile. */
@Timeout(120)
class MeetingPointIT {
    private final MeetingPoint point = new MeetingPoint();
    private final MeetingPoint.End end = point.newPipe();

    private static SocketChannel claim(Path folder, MeetingPoint.End which) throws IOException {
        SocketChannel claimant = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)));
        claimant.write(ByteBuffer.allocate(3 * Long.BYTES)
                .putLong(which.token().high())
                .putLong(which.token().low())
                .putLong(1)
                .flip());
        return claimant;
    }

    private static SocketChannel held(Path folder, MeetingPoint.End which) throws IOException {
        SocketChannel claimant = claim(folder, which);
        assertThat(new DataInputStream(Channels.newInputStream(claimant)).readByte()).isEqualTo(MeetingPoint.HELD);
        return claimant;
    }

    private static void say(SocketChannel claimant, byte... words) throws IOException {
        claimant.write(ByteBuffer.wrap(words));
    }

    private static byte[] all(SocketChannel claimant) throws IOException {
        return Channels.newInputStream(claimant).readAllBytes();
    }

    @Test
    void anOfferWithoutAThreadLeavesNothingBehind() throws Exception {
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("sennit-pipes"))) {
            assertThatThrownBy(() -> point.offer(end)).isInstanceOf(FailingBackend.NoThread.class);
        }
        Path folder = point.offer(end);
        try (SocketChannel claimant = held(folder, end)) {
            say(claimant, MeetingPoint.HURRIES, MeetingPoint.HURRIES); // ends it
            assertThat(all(claimant)).isEmpty();
        }
    }

    @Test
    void aClaimWithoutAThreadIsClosedAndTheNextIsServed() throws Exception {
        Path folder = point.offer(end);
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("sennit-pipe-claim"));
                SocketChannel refused =
                        SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)))) {
            assertThat(refused.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
        held(folder, end).close();
    }

    @Test
    void anEndThatIsClaimedAndGivenUpAtOnceEndsThePipe() throws Exception {
        Path folder = point.offer(end);
        try (SocketChannel other = held(folder, end.other())) {
            claim(folder, end).close();
            assertThat(all(other)).isEmpty();
        }
    }

    /** Else one end could have more written to the other than its socket takes, under the lock of all pipes. */
    @Test
    void anEndThatUsesItselfTwiceEndsThePipe() throws Exception {
        Path folder = point.offer(end);
        try (SocketChannel other = held(folder, end.other());
                SocketChannel claimant = held(folder, end)) {
            say(other, MeetingPoint.USES);
            Conditions.await("the other end's use is heard first").until(() -> end.other().used);
            say(claimant, MeetingPoint.USES, MeetingPoint.USES);
            assertThat(all(other)).hasSize(1 + Integer.BYTES).startsWith(MeetingPoint.LISTEN);
            all(claimant);
        }
    }

    @Test
    void anEndThatListensUnaskedEndsThePipe() throws Exception {
        Path folder = point.offer(end);
        try (SocketChannel other = held(folder, end.other());
                SocketChannel claimant = held(folder, end)) {
            say(claimant, MeetingPoint.LISTENS);
            assertThat(all(other)).isEmpty();
            assertThat(all(claimant)).isEmpty();
        }
    }

    @Test
    void theEndHereIsHurriedOnce() throws Exception {
        var hurried = new AtomicInteger();
        end.other().whenHurried(hurried::incrementAndGet);
        Path folder = point.offer(end);
        try (SocketChannel claimant = held(folder, end)) {
            say(claimant, MeetingPoint.HURRIES, MeetingPoint.HURRIES);
            assertThat(all(claimant)).isEmpty();
        }
        assertThat(hurried.get()).isLessThanOrEqualTo(1);
    }
}
