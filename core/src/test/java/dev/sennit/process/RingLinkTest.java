package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.codec.EncodedTask;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class RingLinkTest {
    @Test
    void whoWritesToAWorkerThatStandsStillHoldsNobodyElse() throws Exception {
        try (var shared = new RingLink.Shared();
                var socket = SocketChannel.open()) {
            RingLink link = shared.connect(socket, () -> true);
            var failure = new AtomicReference<Throwable>();
            byte[] large = new byte[20 << 20];
            Thread writer = Thread.ofPlatform().start(() -> {
                try {
                    link.sendTask(1, false, new EncodedTask(large, large.length, List.of()));
                } catch (Throwable e) {
                    failure.set(e);
                }
            });
            while (link.takesAtOnce(10)) {
                Thread.onSpinWait();
            }
            assertThat(link.lastSent()).as("it cannot have been read").isZero();
            link.close();
            assertThat(writer.join(Duration.ofSeconds(60))).isTrue();
            assertThat(failure.get()).isInstanceOf(IOException.class);
        }
    }
}
