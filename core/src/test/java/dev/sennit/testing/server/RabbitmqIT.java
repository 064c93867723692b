package dev.sennit.testing.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One test, as a node takes seconds to start. */
class RabbitmqIT {
    private static final int START = 10 << 16 | 10;
    private static final int TUNE = 10 << 16 | 30;

    /** Logs in, and returns the class and the method of the answer; the server hangs up on a wrong password. */
    private static int logIn(TestServer server, String password) throws IOException {
        try (var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), server.port())) {
            socket.setSoTimeout(30_000);
            var output = new DataOutputStream(socket.getOutputStream());
            var input = new DataInputStream(socket.getInputStream());
            output.write(new byte[] {'A', 'M', 'Q', 'P', 0, 0, 9, 1});
            assertThat(method(input)).isEqualTo(START);
            byte[] answer = ("\0guest\0" + password).getBytes(StandardCharsets.US_ASCII);
            byte[] way = "PLAIN".getBytes(StandardCharsets.US_ASCII);
            byte[] language = "en_US".getBytes(StandardCharsets.US_ASCII);
            output.writeByte(1);
            output.writeShort(0);
            output.writeInt(4 + 4 + 1 + way.length + 4 + answer.length + 1 + language.length);
            output.writeInt(START + 1);
            output.writeInt(0); // no properties
            output.writeByte(way.length);
            output.write(way);
            output.writeInt(answer.length);
            output.write(answer);
            output.writeByte(language.length);
            output.write(language);
            output.writeByte(0xce);
            output.flush();
            return method(input);
        }
    }

    private static int method(DataInputStream input) throws IOException {
        assertThat(input.readUnsignedByte()).isEqualTo(1);
        input.readUnsignedShort();
        var arguments = new DataInputStream(new ByteArrayInputStream(input.readNBytes(input.readInt())));
        input.readByte();
        return arguments.readInt();
    }

    @Test
    void aNodeOfItsOwnKeepsItsDataAndLeavesNothing() throws Exception {
        Path folder;
        List<Long> family;
        try (TestServer server = Installed.server(ServerKind.RABBITMQ).password("own").open()) {
            assertThat(server.uri()).hasToString("amqp://guest:own@127.0.0.1:" + server.port() + "/%2F");
            assertThat(server.environment())
                    .containsEntry("AMQP_URL", server.uri().toString())
                    .containsEntry("SENNIT_RABBITMQ_URI", server.uri().toString());
            assertThat(logIn(server, "own")).isEqualTo(TUNE);
            Loopback.ensureAlone(server);
            server.kill();
            assertThat(server.isRunning()).isFalse();
            server.start(); // with the user that the first start made
            assertThat(logIn(server, "own")).isEqualTo(TUNE);
            folder = server.folder();
            family = TestServerIT.familyOf(folder);
            assertThat(family).as("the caretaker, a waiter, the node, its epmd").hasSizeGreaterThanOrEqualTo(4);
        }
        assertThat(folder).doesNotExist();
        TestServerIT.assertEnded(family);
    }
}
