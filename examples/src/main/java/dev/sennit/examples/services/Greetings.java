package dev.sennit.examples.services;

import dev.sennit.service.Service;
import dev.sennit.service.ServiceWorker;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Serial;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Answers each HTTP request with a greeting that names the worker: what the files of {@code deploy} run. */
public final class Greetings implements Service {
    @Serial
    private static final long serialVersionUID = 1;

    @Override
    public void run(ServiceWorker me) throws IOException, InterruptedException {
        long pid = ProcessHandle.current().pid();
        String greeting = "hello from worker " + me.id() + ", process " + pid + "\n";
        try (ExecutorService connections = Executors.newVirtualThreadPerTaskExecutor()) {
            for (SocketChannel next = me.accept(); next != null; next = me.accept()) {
                SocketChannel client = next;
                connections.submit(() -> {
                    answer(client, greeting);
                    return null;
                });
            }
        } // waits for the connections that were accepted
    }

    private static void answer(SocketChannel client, String greeting) throws IOException {
        try (client) {
            var request = new BufferedReader(
                    new InputStreamReader(client.socket().getInputStream(), StandardCharsets.US_ASCII));
            client.socket().setSoTimeout(5000);
            String line = request.readLine();
            while (line != null && !line.isEmpty()) {
                line = request.readLine();
            }
            String answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: "
                    + greeting.length() + "\r\n\r\n" + greeting;
            ByteBuffer bytes = StandardCharsets.US_ASCII.encode(answer);
            while (bytes.hasRemaining()) {
                client.write(bytes);
            }
        }
    }
}
