package dev.sennit.examples.testing;

import dev.sennit.testing.server.TestServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Counts in a Redis server, kills that, starts it again, and looks. Wants the program {@code redis-server}. */
public final class KilledServer {
    private KilledServer() {}

    /** What a client would do, in its simplest form. */
    private static String ask(TestServer redis, String command) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), redis.port());
                var answers = new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))) {
            socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
            return answers.readLine().substring(1);
        }
    }

    /**
     * Runs it.
     *
     * @param arguments none
     * @throws IOException if there is no such server
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (TestServer redis = TestServer.redis().open()) {
            ask(redis, "INCR visitors");
            ask(redis, "INCR visitors");
            System.out.println("before: " + ask(redis, "INCR visitors"));
            redis.kill();
            redis.start();
            System.out.println("after: " + ask(redis, "INCRBY visitors 0"));
        }
    }
}
