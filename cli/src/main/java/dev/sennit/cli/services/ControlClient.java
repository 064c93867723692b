package dev.sennit.cli.services;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

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

    /** To say which process it is. A manager that is stopped, or hangs, accepts connections all the same. */
    private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(5);

    private ControlClient() {}

    /**
     * Asks a manager which process it is, and with that whether it lives.
     *
     * @param control the path of the socket
     * @return the number of its process; empty if nobody listens there
     * @throws IOException if it does not answer within five seconds, or the connection fails; the message says why
     */
    public static OptionalLong pid(Path control) throws IOException {
        var said = new StringBuilder();
        if (ask(control, List.of("pid"), row -> said.append(said.isEmpty() ? number(row) : ""), SIGN_OF_LIFE)
                .isEmpty()) {
            return OptionalLong.empty();
        }
        try {
            return OptionalLong.of(Long.parseLong(said.toString()));
        } catch (NumberFormatException e) {
            throw new IOException("it does not say which process it is", e);
        }
    }

    /** Without a number, what is said is none. */
    private static String number(List<String> row) {
        return row.size() == 1 && row.getFirst().matches("\\d{1,18}") ? row.getFirst() : "?";
    }

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
            return ask(channel, control, words, rows);
        }
    }

    /**
     * Asks, and waits for the answer for a limited time.
     *
     * @param control the path of the socket
     * @param words what to do, and its arguments
     * @param rows takes the rows of the answer as they come
     * @param longest how long to wait
     * @return how it ended; empty if nobody listens there
     * @throws IOException if it has not answered by then, or the connection fails; its message says why
     */
    static Optional<Outcome> ask(Path control, List<String> words, Rows rows, Duration longest) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            var isLate = new AtomicBoolean();
            Future<?> limit = Timers.after(longest, () -> {
                isLate.set(true);
                Quietly.close(channel::close);
            });
            try {
                return ask(channel, control, words, rows);
            } catch (IOException e) {
                throw isLate.get()
                        ? new SocketTimeoutException("it listens on " + control + ", and has not answered within "
                                + Durations.text(longest) + "; it may be stopped (SIGSTOP), or hang")
                        : e;
            } finally {
                limit.cancel(false);
            }
        }
    }

    private static Optional<Outcome> ask(SocketChannel channel, Path control, List<String> words, Rows rows)
            throws IOException {
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
            if (line.getFirst().equals(ControlMessage.DONE) && line.size() == 3 && line.get(1).matches("\\d{1,3}")) {
                return Optional.of(new Outcome(Integer.parseInt(line.get(1)), line.get(2)));
            }
            rows.row(line.subList(1, line.size()));
        }
        throw new IOException("the manager has ended");
    }
}
