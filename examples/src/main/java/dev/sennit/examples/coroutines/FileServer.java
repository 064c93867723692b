package dev.sennit.examples.coroutines;

import dev.sennit.TaskFuture;
import dev.sennit.loop.ByteStream;
import dev.sennit.loop.EventLoop;
import dev.sennit.loop.FileStream;
import dev.sennit.loop.Listener;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * A server of files over HTTP/1.0, and a client for it. Requests and files are read by coroutines of one loop; no file
 * holds up the others, however large it is and however slowly its client reads.
 */
public final class FileServer {
    private static final int LONGEST_HEAD = 8192;
    private static final byte[] BLANK_LINE = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final Path root;

    private FileServer(Path root) {
        this.root = root;
    }

    private void serve(ByteStream client) throws Exception {
        client.setReadTimeout(Duration.ofSeconds(10));
        byte[] head = client.readUntil(LONGEST_HEAD, BLANK_LINE);
        if (head == null) {
            return; // a client that has changed its mind
        }
        String[] request = new String(head, StandardCharsets.US_ASCII).lines().findFirst().orElseThrow().split(" ");
        Path path = request.length < 2 ? root : root.resolve(request[1].substring(1)).normalize();
        if (!request[0].equals("GET") || !path.startsWith(root) || path.equals(root)) {
            client.write("HTTP/1.0 400 Bad Request\r\n\r\n");
            return;
        }
        try (FileStream file = FileStream.open(path)) {
            client.write("HTTP/1.0 200 OK\r\nContent-Length: " + file.size() + "\r\n\r\n");
            file.transferTo(client);
        } catch (NoSuchFileException e) {
            client.write("HTTP/1.0 404 Not Found\r\n\r\n");
        }
    }

    private static String get(int port, String path) throws Exception {
        try (ByteStream server = ByteStream.connect("localhost", port)) {
            server.write("GET " + path + " HTTP/1.0\r\n\r\n");
            String status = Objects.requireNonNull(server.readLine(1000), "no answer");
            for (String line = server.readLine(1000); line != null && !line.isEmpty(); line = server.readLine(1000)) {
                // the rest of the head
            }
            return status + ", " + server.readAll(10_000_000).length + " bytes";
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path root = Files.createTempDirectory("files");
        Path page = root.resolve("page.html");
        EventLoop.run(() -> {
            FileStream.writeString(page, "<p>hello</p>\n".repeat(100_000));
            Listener listener = Listener.open(0);
            TaskFuture<Void> served = EventLoop.current().submit(() -> {
                listener.serve(100, new FileServer(root)::serve);
                return null;
            });
            System.out.println(get(listener.port(), "/page.html"));
            System.out.println(get(listener.port(), "/missing.html"));
            System.out.println(get(listener.port(), "/../../etc/passwd"));
            listener.close();
            served.get();
            return null;
        });
        Files.delete(page);
        Files.delete(root);
    }
}
