package dev.sennit.examples.coroutines;

import dev.sennit.TaskFuture;
import dev.sennit.loop.ByteStream;
import dev.sennit.loop.EventLoop;
import dev.sennit.loop.Listener;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * An echo server that yells back in capitals and counts connections and bytes, and clients for it. All are coroutines
 * of one loop, so the counters need no lock.
 */
public final class ShoutingEcho {
    private static final int LONGEST_LINE = 1000;

    private int connections;
    private long bytes;

    private ShoutingEcho() {}

    private void yell(ByteStream client) throws Exception {
        connections++;
        for (String line = client.readLine(LONGEST_LINE); line != null; line = client.readLine(LONGEST_LINE)) {
            bytes += line.getBytes(StandardCharsets.UTF_8).length + 1; // the end of the line
            client.write(line.toUpperCase(Locale.ROOT) + "!\n");
        }
    }

    private static String ask(int port, String line) throws Exception {
        try (ByteStream server = ByteStream.connect("localhost", port)) {
            server.write(line + "\n");
            return Objects.requireNonNull(server.readLine(LONGEST_LINE), "the server hung up");
        }
    }

    public static void main(String[] arguments) {
        EventLoop.run(() -> {
            var echo = new ShoutingEcho();
            EventLoop loop = EventLoop.current();
            Listener listener = Listener.open(0);
            TaskFuture<Void> served = loop.submit(() -> {
                listener.serve(100, echo::yell);
                return null;
            });
            List<TaskFuture<String>> answers = new ArrayList<>();
            for (String line : List.of("hello", "is anybody there", "bye", "très bien")) {
                answers.add(loop.submit(() -> ask(listener.port(), line)));
            }
            for (TaskFuture<String> answer : answers) {
                System.out.println(answer.get());
            }
            listener.close();
            served.get(); // the handlers have ended
            System.out.println(echo.connections + " connections, " + echo.bytes + " bytes");
            return null;
        });
    }
}
