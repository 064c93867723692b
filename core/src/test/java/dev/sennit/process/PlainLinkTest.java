package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.codec.EncodedTask;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class PlainLinkTest {
    @Test
    void anAnswerThatEndsInItsHeaderIsTheEnd(@TempDir Path folder) throws Exception {
        var address = UnixDomainSocketAddress.of(folder.resolve("socket"));
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
                SocketChannel worker = SocketChannel.open(address);
                var link = new PlainLink(OutputStream.nullOutputStream(), server.accept())) {
            worker.write(ByteBuffer.allocate(10));
            worker.shutdownOutput();
            assertThatThrownBy(link::receive).isInstanceOf(EOFException.class);
        }
    }

    /** As the pipe to a process that does not read: who writes holds it. */
    private static final class FullPipe extends OutputStream {
        final CountDownLatch isWritten = new CountDownLatch(1);
        final CountDownLatch readerDies = new CountDownLatch(1);
        final CountDownLatch isClosed = new CountDownLatch(1);

        @Override
        public synchronized void write(int one) throws IOException {
            isWritten.countDown();
            try {
                readerDies.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            throw new IOException("broken pipe");
        }

        @Override
        public synchronized void close() {
            isClosed.countDown();
        }
    }

    @Test
    void itIsClosedUnderWhoWritesToAWorkerThatStandsStill() throws Exception {
        var pipe = new FullPipe();
        var link = new PlainLink(pipe, SocketChannel.open(StandardProtocolFamily.UNIX));
        var failure = new CompletableFuture<Throwable>();
        Thread.ofPlatform().start(() -> {
            try {
                link.sendTask(1, false, new EncodedTask(new byte[100], 100, List.of()));
                failure.complete(null);
            } catch (Throwable e) {
                failure.complete(e);
            }
        });
        pipe.isWritten.await();
        link.close();
        assertThat(failure).as("nobody else may take its place on the stream").isNotDone();
        pipe.readerDies.countDown();
        assertThat(failure.get()).hasMessage("broken pipe");
        pipe.isClosed.await();
    }
}
