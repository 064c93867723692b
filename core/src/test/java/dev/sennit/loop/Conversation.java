package dev.sennit.loop;

import java.io.IOException;
import java.io.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of its own that a test talks to, a line at a time. What it says on its error output is heard too. */
final class Conversation implements AutoCloseable {
    private static final long BOUND_SECONDS = 60;

    private final Process process;
    /** Closed at the end of what it says. */
    private final Channel<String> lines = new Channel<>(Integer.MAX_VALUE);
    private final Writer toIt;
    private final List<String> heard = new ArrayList<>();

    Conversation(List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove("JAVA_TOOL_OPTIONS"); // of which the JVM would tell
        process = builder.start();
        toIt = process.outputWriter();
        Thread.ofPlatform().daemon().start(() -> {
            try (var reader = process.inputReader()) {
                reader.lines().forEach(lines::trySend);
            } catch (IOException | RuntimeException e) { // of a stream that was closed with the process
                lines.close(e);
            }
            lines.close();
        });
    }

    Process process() {
        return process;
    }

    /** Waits for a line that contains something, and passes over those before it. */
    String hear(String part) throws InterruptedException {
        String line = "";
        while (!line.contains(part)) {
            try {
                line = lines.receive(Duration.ofSeconds(BOUND_SECONDS));
            } catch (ChannelClosedException e) {
                line = null;
            }
            if (line == null) {
                throw new AssertionError("has not said \"" + part + "\", but " + heard);
            }
            heard.add(line);
        }
        return line;
    }

    /** All lines so far. */
    List<String> heard() {
        return heard;
    }

    void say(String line) throws IOException {
        toIt.write(line + "\n");
        toIt.flush();
    }

    /** Sends it a signal. */
    void signal(String name) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO().start();
        if (kill.waitFor() != 0) {
            throw new IOException("kill -" + name + " failed");
        }
    }

    /** Its exit code. */
    int end() throws InterruptedException {
        if (!process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("has not ended, but said " + heard);
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
