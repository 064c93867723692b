package dev.sennit.cli.services;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Asks a manager of services, over its control socket. */
public final class ControlClient {
    /** Takes what the manager answers. */
    @FunctionalInterface
    public interface Rows {
        /**
         * Takes a row.
         *
         * @param cells what it says
         */
        void row(List<String> cells);
    }

    /**
     * How a request ended.
     *
     * @param exitCode what the command is to exit with
     * @param why one line; empty if there is nothing to say
     */
    public record Outcome(int exitCode, String why) {}

    private ControlClient() {}

    /**
     * Asks, and waits for the answer: until the manager ends, at the latest.
     *
     * @param control the path of the socket
     * @param words what to do, and its arguments
     * @param rows takes the rows of the answer as they come
     * @return how it ended; empty if nobody listens there
     * @throws IOException if the connection fails, or ends too soon; its message says why
     */
    public static Optional<Outcome> ask(Path control, List<String> words, Rows rows) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            try {
                channel.connect(UnixDomainSocketAddress.of(control));
            } catch (ConnectException e) {
                return Optional.empty();
            } catch (IOException e) {
                if (Files.notExists(control)) {
                    return Optional.empty();
                }
                throw e;
            }
            List<String> request = new ArrayList<>(List.of(ControlMessage.VERSION));
            request.addAll(words);
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(ControlMessage.line(request));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            var reader = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
            for (List<String> line = ControlMessage.read(reader); line != null; line = ControlMessage.read(reader)) {
                if (line.getFirst().equals(ControlMessage.DONE) && line.size() == 3
                        && line.get(1).matches("\\d{1,3}")) {
                    return Optional.of(new Outcome(Integer.parseInt(line.get(1)), line.get(2)));
                }
                rows.row(line.subList(1, line.size()));
            }
            throw new IOException("the manager has ended");
        }
    }
}
