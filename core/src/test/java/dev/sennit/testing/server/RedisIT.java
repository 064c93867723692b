package dev.sennit.testing.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RedisIT {
    /** Sends commands in a line each, and returns the last answer. */
    private static String ask(TestServer server, String... commands) throws IOException {
        try (var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), server.port())) {
            socket.setSoTimeout(30_000);
            var answers = new BufferedReader(
                    new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            String answer = "";
            for (String command : commands) {
                socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
                answer = answers.readLine();
                if (answer.startsWith("$")) {
                    answer = answers.readLine();
                }
            }
            return answer;
        }
    }

    @Test
    void whatItHasAnsweredSurvivesAKill() throws Exception {
        try (TestServer server =
                Installed.server(ServerKind.REDIS).configuration("maxmemory 11mb").open()) {
            assertThat(server.uri()).hasToString("redis://127.0.0.1:" + server.port() + "/0");
            assertThat(server.environment())
                    .containsEntry("REDIS_URL", server.uri().toString())
                    .containsEntry("SENNIT_REDIS_URI", server.uri().toString());
            assertThat(ask(server, "SET kept 1", "INCR kept")).isEqualTo(":2");
            server.kill();
            server.start();
            assertThat(ask(server, "GET kept")).isEqualTo("2");
            server.stop();
            server.start();
            assertThat(ask(server, "GET kept")).isEqualTo("2");
            assertThat(ask(server, "INFO memory")).startsWith("# Memory");
            assertThat(ask(server, "CONFIG GET maxmemory")).isEqualTo("*2");
            Loopback.ensureAlone(server);
        }
    }

    @Test
    void aPasswordIsAskedForAndNotTold() throws Exception {
        try (TestServer server = Installed.server(ServerKind.REDIS).password("s3cret").fsync(false).open()) {
            assertThat(server.uri()).hasToString("redis://:s3cret@127.0.0.1:" + server.port() + "/0");
            assertThat(server.toString()).isEqualTo("redis at 127.0.0.1:" + server.port() + ", running");
            assertThat(ask(server, "GET kept")).startsWith("-NOAUTH");
            assertThat(ask(server, "AUTH s3cret", "CONFIG SET maxmemory 12mb")).isEqualTo("+OK");
        }
        assertThatThrownBy(() -> TestServer.redis().password("two words"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("password must be of letters, digits and - . _");
    }

    @Test
    void twoServersRunBesideEachOther() throws Exception {
        TestServer first = Installed.server(ServerKind.REDIS).open();
        try (first;
                TestServer second = Installed.server(ServerKind.REDIS).open()) {
            assertThat(second.port()).isNotEqualTo(first.port());
            assertThat(second.folder()).isNotEqualTo(first.folder());
            assertThat(ask(first, "SET mine 1")).isEqualTo("+OK");
            assertThat(ask(second, "EXISTS mine")).isEqualTo(":0");

            first.close();
            first.close();
            assertThat(first.toString()).endsWith(", closed");
            assertThatThrownBy(first::start).isInstanceOf(IllegalStateException.class);
            assertThat(first.log()).isEmpty();
            assertThat(first.isRunning()).isFalse();
            assertThat(ask(second, "PING")).isEqualTo("+PONG");
        }
    }

    @Test
    void theLogTellsWhyItDoesNotStart() {
        assertThatThrownBy(
                () -> Installed.server(ServerKind.REDIS).configuration("nonsense yes").open().close())
                .isInstanceOf(IOException.class)
                .hasMessageMatching("Redis at 127\\.0\\.0\\.1:\\d+ has ended while it started, with exit code 1; its"
                        + " log says: .*'nonsense yes'.*");
    }
}
