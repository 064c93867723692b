package dev.sennit.benchmarks.measure;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Another process, which measures when asked to: a Python that runs peer.py, or a JVM that runs a main class. It
 * says "ready", and then answers each line with one line: "ok" and figures, or "error" and why.
 */
public final class Peer implements AutoCloseable {
    private static final long QUIT_SECONDS = 5;
    private static final List<String> FLAGS =
            List.of("--enable-native-access=ALL-UNNAMED", "--add-opens", "java.base/java.lang=ALL-UNNAMED");

    private final String name;
    private final Process process;
    private final BufferedReader answers;

    /**
     * Starts it, and waits until it is ready.
     *
     * @param name what it is, for messages
     */
    public static Peer start(String name, List<String> command) throws IOException {
        var peer = new Peer(
                name,
                new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start());
        try {
            peer.expect("ready");
            return peer;
        } catch (IOException e) {
            peer.close();
            throw e;
        }
    }

    /** The command line of a JVM with what is here on its class path; the arguments are to be added. */
    public static List<String> command(Class<?> main, List<String> options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(FLAGS);
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        return command;
    }

    private Peer(String name, Process process) {
        this.name = name;
        this.process = process;
        answers = process.inputReader(StandardCharsets.UTF_8);
    }

    /** Asks for a measurement, and waits for it: seconds, or what else was asked for. */
    public double[] measure(String request) throws IOException {
        var requests = process.outputWriter(StandardCharsets.UTF_8);
        requests.write(request + "\n");
        requests.flush();
        String[] words = expect("ok").split(" ");
        double[] figures = new double[words.length - 1];
        for (int i = 0; i < figures.length; i++) {
            figures[i] = Double.parseDouble(words[i + 1]);
        }
        return figures;
    }

    public long pid() {
        return process.pid();
    }

    /** The processor time of all its threads so far, as the system counts it: to 10 ms. */
    public double processorSeconds() {
        return process.info()
                .totalCpuDuration()
                .orElseThrow(() -> new IllegalStateException("this system does not tell the processor time of " + name))
                .toNanos()
                / 1e9;
    }

    private String expect(String word) throws IOException {
        String answer = answers.readLine();
        if (answer == null || !answer.split(" ")[0].equals(word)) {
            throw new IOException("the peer " + name + " " + (answer == null ? "ended" : "said: " + answer));
        }
        return answer;
    }

    /** The end of its input tells it to go; it and its workers are killed if it does not. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
            if (process.waitFor(QUIT_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
        } catch (IOException e) {
            // it has ended
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
