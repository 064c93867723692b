package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
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
}
