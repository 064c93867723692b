package dev.sennit.queue.celery;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.sennit.queue.foreign.Json;
import dev.sennit.testing.server.TestServer;
import java.io.BufferedReader;
import java.io.Closeable;
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
import tools.jackson.databind.JsonNode;

/** The real Celery: an interpreter with its client side, workers, and its command. */
final class Celery implements Closeable {
    private static final String PYTHON = "/usr/bin/python3";
    private static final long ANSWER_SECONDS = 60;

    private final Path folder;
    private final String broker;
    private final String results;
    private final List<Process> processes = new ArrayList<>();
    private final Process peer;
    private final BufferedReader answers;

    private Celery(Path folder, String broker, String results) throws IOException {
        this.folder = folder;
        this.broker = broker;
        this.results = results;
        for (String each : List.of("thumbs.py", "peer.py")) {
            try (InputStream file = Celery.class.getResourceAsStream(each)) {
                Files.copy(file, folder.resolve(each));
            }
        }
        peer = start(folder.resolve("peer.log"), PYTHON, "-B", "peer.py");
        answers = new BufferedReader(new InputStreamReader(peer.getInputStream(), StandardCharsets.UTF_8));
        read();
    }

    /** Starts it, or skips the test if it is not installed. */
    static Celery on(TestServer redis, Path folder) throws IOException, InterruptedException {
        return on(redis.uri().toString(), redis.uri().toString(), folder);
    }

    /** Starts it with the address of a broker and of what keeps results, or skips the test if it is not installed. */
    static Celery on(String broker, String results, Path folder) throws IOException, InterruptedException {
        ensureInstalled();
        return new Celery(folder, broker, results);
    }

    static void ensureInstalled() throws InterruptedException {
        try {
            Process asked = new ProcessBuilder(PYTHON, "-c", "import celery, redis")
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            if (asked.waitFor() == 0) {
                return;
            }
        } catch (IOException e) {
            // said below
        }
        abort("Celery is not installed: apt-get install python3-celery python3-redis");
    }

    private Process start(Path log, String... command) throws IOException {
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectError(log.toFile());
        builder.environment().put("SENNIT_BROKER", broker);
        builder.environment().put("SENNIT_RESULTS", results);
        builder.environment().put("PYTHONWARNINGS", "ignore");
        builder.environment().put("C_FORCE_ROOT", "1");
        Process process = builder.start();
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

    /** Returns the value of an expression as text. */
    String text(String expression) throws IOException {
        return value(expression).toString();
    }

    // ---- workers and the command ----

    /** Starts a worker that takes from the queue {@code python}; a small shell ends it with this process. */
    Process worker(String name, String... options) throws IOException {
        String script = "\"$@\" </dev/null & worker=$!; cat >/dev/null; kill $worker; wait $worker";
        List<String> command = new ArrayList<>(List.of("sh", "-c", script, "sh", PYTHON, "-B", "-m", "celery", "-A",
                "thumbs", "worker", "--hostname=" + name + "@here", "--concurrency=2", "--queues=python", "-E",
                "--loglevel=INFO"));
        command.addAll(List.of(options));
        Path log = folder.resolve(name + ".log");
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("SENNIT_BROKER", broker);
        builder.environment().put("SENNIT_RESULTS", results);
        builder.environment().put("PYTHONWARNINGS", "ignore");
        builder.environment().put("C_FORCE_ROOT", "1");
        Process process = builder.start();
        processes.add(process);
        Waiting.until("the worker of Celery runs", () -> Files.readString(log).contains("ready."));
        return process;
    }

    String log(String name) {
        try {
            return Files.readString(folder.resolve(name + ".log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the command of Celery to its end; returns its output. */
    String command(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(PYTHON, "-B", "-m", "celery", "-A", "thumbs"));
        command.addAll(List.of(arguments));
        Process process = start(folder.resolve("command.log"), command.toArray(String[]::new));
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS);
        return output;
    }

    /** Starts a command of Celery that goes on; its output goes to a file. */
    Process background(String name, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(PYTHON, "-B", "-u", "-m", "celery", "-A", "thumbs"));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile());
        builder.environment().put("SENNIT_BROKER", broker);
        builder.environment().put("SENNIT_RESULTS", results);
        builder.environment().put("PYTHONWARNINGS", "ignore");
        Process process = builder.start();
        processes.add(process);
        return process;
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
