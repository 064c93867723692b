package dev.sennit.queue.rq;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.sennit.queue.foreign.Json;
import dev.sennit.testing.server.TestServer;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The real RQ: an interpreter with its client side, workers, and its command. */
final class Rq implements Closeable {
    private static final long ANSWER_SECONDS = 60;
    private static final String SERIALIZER = "rq.serializers.JSONSerializer";

    private final Path folder;
    private final String redis;
    private final String python;
    private final List<Process> processes = new ArrayList<>();
    private final Process peer;
    private final BufferedReader answers;

    private Rq(Path folder, String redis, String python) throws IOException {
        this.folder = folder;
        this.redis = redis;
        this.python = python;
        for (String each : List.of("pyjobs.py", "peer.py")) {
            try (InputStream file = Rq.class.getResourceAsStream(each)) {
                Files.copy(file, folder.resolve(each));
            }
        }
        peer = start(folder.resolve("peer.log"), python, "-B", "peer.py");
        answers = new BufferedReader(new InputStreamReader(peer.getInputStream(), StandardCharsets.UTF_8));
        read();
    }

    /** Starts it, or skips the test if it is not installed. */
    static Rq on(TestServer redis, Path folder) throws IOException, InterruptedException {
        String python = python();
        if (python == null) {
            abort("RQ is not installed: apt-get install python3-rq");
        }
        return new Rq(folder, redis.uri().toString(), python);
    }

    /** Returns the interpreter that has RQ: that of the system, else another one on PATH; null if none has. */
    private static @Nullable String python() throws InterruptedException {
        List<String> candidates = new ArrayList<>(List.of("/usr/bin/python3"));
        for (String each : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            candidates.add(each + "/python3");
        }
        for (String each : candidates) {
            try {
                Process asked = new ProcessBuilder(each, "-c", "import rq, redis").redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
                if (asked.waitFor() == 0) {
                    return each;
                }
            } catch (IOException e) {
                // the next one
            }
        }
        return null;
    }

    private ProcessBuilder builder(String... command) {
        var builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().put("SENNIT_REDIS", redis);
        builder.environment().put("PYTHONWARNINGS", "ignore");
        return builder;
    }

    private Process start(Path log, String... command) throws IOException {
        Process process = builder(command).redirectError(log.toFile()).start();
        processes.add(process);
        return process;
    }

    // ---- the interpreter ----

    private JsonNode read() throws IOException {
        String line = answers.readLine();
        if (line == null) {
            throw new IOException("Python has ended: " + Files.readString(folder.resolve("peer.log")));
        }
        if (line.startsWith("!")) {
            throw new IOException(Json.read(line.substring(1).getBytes(StandardCharsets.UTF_8)).stringValue());
        }
        return Json.read(line.getBytes(StandardCharsets.UTF_8));
    }

    /** Runs statements of Python; returns what they have set {@code out} to. */
    JsonNode run(String statements) throws IOException {
        String line = Base64.getEncoder().encodeToString(statements.getBytes(StandardCharsets.UTF_8)) + "\n";
        peer.getOutputStream().write(line.getBytes(StandardCharsets.US_ASCII));
        peer.getOutputStream().flush();
        return read();
    }

    /** Returns the value of an expression of Python. */
    JsonNode value(String expression) throws IOException {
        return run("out = " + expression);
    }

    /** Returns the value of an expression as JSON. */
    String text(String expression) throws IOException {
        return value(expression).toString();
    }

    // ---- workers and the command ----

    /** Starts a worker that takes from the queue {@code python}; a small shell ends it with this process. */
    Process worker(String name, String... options) throws IOException {
        String script = "\"$@\" </dev/null & worker=$!; cat >/dev/null; kill $worker; wait $worker";
        List<String> command = new ArrayList<>(List.of("sh", "-c", script, "sh", python, "-B", "-m", "rq.cli",
                "worker", "--url", redis, "--serializer", SERIALIZER, "--name", name));
        command.addAll(List.of(options));
        command.add("python");
        Path log = folder.resolve(name + ".log");
        Process process = builder(command.toArray(String[]::new)).redirectErrorStream(true)
                .redirectOutput(log.toFile()).start();
        processes.add(process);
        Waiting.until("the worker of RQ runs", () -> Files.readString(log).contains("Listening on"));
        return process;
    }

    String log(String name) {
        try {
            return Files.readString(folder.resolve(name + ".log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the command of RQ to its end; returns its output. */
    String command(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(python, "-B", "-m", "rq.cli"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--url", redis));
        Process process = start(folder.resolve("command.log"), command.toArray(String[]::new));
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS);
        return output;
    }

    @Override
    public void close() throws IOException {
        for (Process process : processes.reversed()) {
            List<ProcessHandle> children = process.descendants().toList();
            process.getOutputStream().close();
            try {
                if (!process.waitFor(process == peer ? 5 : 10, TimeUnit.SECONDS)) {
                    process.destroy();
                }
                process.waitFor(5, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
        }
    }
}
