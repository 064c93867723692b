package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ClassPathCopyIT {
    @TempDir
    Path folder;

    /** As in a folder of a user who gives "." as a class path. */
    @Test
    void pipesAndSocketsAreLeftOut() throws Exception {
        Files.writeString(folder.resolve("A.class"), "a");
        assertThat(new ProcessBuilder("mkfifo", folder.resolve("pipe").toString()).start().waitFor()).isZero();
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(folder.resolve("socket")));
            ClassPathCopy copy = ClassPathCopy.of("web", List.of(folder));
            try (var files = Files.list(copy.parts().getFirst())) {
                assertThat(files).extracting(file -> file.getFileName().toString()).containsExactly("A.class");
            } finally {
                copy.remove();
            }
        }
    }
}
