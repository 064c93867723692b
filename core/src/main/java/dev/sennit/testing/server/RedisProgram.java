package dev.sennit.testing.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Redis, or Valkey. It writes each change to a file before it answers ({@code appendonly}), as a test of what survives
 * would find nothing otherwise. With a line of configuration that begins with {@code sentinel}, it is one.
 */
final class RedisProgram extends ServerProgram {
    private static final String NOT_INSTALLED = "redis-server is not installed: apt-get install redis-server";

    private final Path program;
    private final Path configuration;

    RedisProgram(ServerSettings settings, Path folder) throws ServerNotInstalledException {
        super(settings, folder, "");
        program = ensureInstalled();
        configuration = folder.resolve("redis.conf");
    }

    static Path ensureInstalled() throws ServerNotInstalledException {
        Path program = Programs.anyOf("redis-server", "valkey-server");
        if (program == null) {
            throw new ServerNotInstalledException(NOT_INSTALLED);
        }
        return program;
    }

    @Override
    void prepare(Caretaker caretaker) throws IOException {
        Path data = Files.createDirectory(folder.resolve("data"));
        List<String> lines = new ArrayList<>(List.of("dir \"" + data + "\""));
        if (!isSentinel()) {
            lines.addAll(List.of(
                    "save \"\"", "appendonly yes", "appendfsync " + (settings.fsync() ? "always" : "no")));
        }
        if (!password.isEmpty()) {
            lines.add("requirepass " + password);
        }
        lines.addAll(settings.configuration());
        Files.write(configuration, lines);
    }

    @Override
    List<String> command(int port) {
        List<String> command = new ArrayList<>(List.of(program.toString(), configuration.toString()));
        if (isSentinel()) {
            command.add("--sentinel");
        }
        command.addAll(List.of(
                "--port", Integer.toString(port),
                "--bind", HOST,
                "--daemonize", "no",
                "--logfile", ""));
        return command;
    }

    private boolean isSentinel() {
        return settings.configuration().stream().anyMatch(line -> line.startsWith("sentinel "));
    }

    @Override
    String stopSignal() {
        return "TERM";
    }

    @Override
    String quickSignal() {
        return "KILL";
    }

    /** It answers with an error while it reads its data. */
    @Override
    boolean answers(Socket connection) throws IOException {
        String asked = (password.isEmpty() ? "" : "AUTH " + password + "\r\n") + "PING\r\n";
        connection.getOutputStream().write(asked.getBytes(StandardCharsets.US_ASCII));
        var answers =
                new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.US_ASCII));
        if (!password.isEmpty()) {
            answers.readLine();
        }
        String answer = answers.readLine();
        return answer != null && !answer.startsWith("-LOADING");
    }

    @Override
    URI uri(int port) {
        return uri("redis", password.isEmpty() ? "" : ":" + password, port, "/0");
    }

    @Override
    Map<String, String> environment(int port) {
        String uri = uri(port).toString();
        return Map.of("SENNIT_REDIS_URI", uri, "REDIS_URL", uri);
    }
}
