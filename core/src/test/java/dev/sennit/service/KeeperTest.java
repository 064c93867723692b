package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KeeperTest {
    private static List<String> line(Map<String, String> environment, Duration orphanLimit, Duration restLimit) {
        List<String> line = Keeper.commandLine(
                List.of("ls", "-l"), environment, orphanLimit, restLimit, Path.of("/usr/bin/setsid"));
        assertThat(line).startsWith("/bin/sh", "-c").element(3).isEqualTo("sennit-keeper");
        return line.subList(6, line.size());
    }

    @Test
    void itCountsLimitsInPausesAndWaitsRatherLonger() {
        assertThat(line(Map.of("HOME", "/"), Duration.ZERO, Duration.ofMillis(51)))
                .containsExactly("/usr/bin/setsid", "-", "0", "2", "ls", "-l");
        assertThat(line(Map.of(), Duration.ofNanos(1), Duration.ofDays(36_500)).subList(2, 4))
                .containsExactly("1", "63072000000");
    }

    @Test
    void variablesThatAShellMayDropGoThroughEnv() {
        assertThat(line(Map.of("HOME", "/", "spring.url", "a b", "1", ""), Duration.ZERO, Duration.ZERO).subList(4, 9))
                .containsExactly("/usr/bin/env", "1=", "spring.url=a b", "ls", "-l");
    }

    @Test
    void signalsGoToTheCommandAloneWhereNothingStartsASession() {
        assertThat(Keeper.commandLine(List.of("ls"), Map.of(), Duration.ZERO, Duration.ZERO, null))
                .endsWith("/usr/bin/env", "", "0", "0", "ls");
    }
}
