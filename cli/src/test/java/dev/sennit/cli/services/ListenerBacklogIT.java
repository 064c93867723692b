package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many connections wait at a listener. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ListenerBacklogIT {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1", "0.0.0.0"})
    void connectionsThatWaitAreCounted(String host) throws Exception {
        ListenerBacklog backlog = new ListenerBacklog();
        try (var listener = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.ofLiteral(host), 0), 8)) {
            InetSocketAddress address = (InetSocketAddress) listener.getLocalAddress();
            InetSocketAddress target = host.equals("0.0.0.0")
                    ? new InetSocketAddress("127.0.0.1", address.getPort())
                    : address;
            assertThat(backlog.of(address)).hasValue(0);
            try (SocketChannel _ = SocketChannel.open(target);
                    SocketChannel _ = SocketChannel.open(target)) {
                assertThat(backlog.of(address)).hasValue(2);
                listener.accept().close();
                assertThat(backlog.of(address)).hasValue(1);
            }
        }
    }

    @Test
    void whatIsNotToldIsEmpty() throws Exception {
        ListenerBacklog backlog = new ListenerBacklog();
        assertThat(backlog.of(UnixDomainSocketAddress.of("/s"))).isEmpty();
        var address = new InetSocketAddress("127.0.0.1", 1);
        assertThat(backlog.of(address)).isEmpty();
        Path odd = Files.writeString(folder.resolve("odd"), "head\n 0: 0100007F:0001 00000000:0000 0A x:y z\nodd\n");
        assertThat(new ListenerBacklog(List.of(odd, folder.resolve("none"), folder)).of(address)).isEmpty();
    }
}
