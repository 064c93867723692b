package dev.sennit.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Runs examples in a JVM that they share, one after another; another JVM follows one that an example has ended. */
final class SharedJvm implements AutoCloseable {
    private static final Pattern END = Pattern.compile(OneAfterAnother.ENDED + "(\\d+)\\R\\z");

    private final String classPath;
    private final Duration limit;
    private @Nullable Started started;

    /** Each example has to end within the limit. */
    SharedJvm(String classPath, Duration limit) {
        this.classPath = classPath;
        this.limit = limit;
    }

    Run run(String name, String... arguments) throws Exception {
        if (started == null) {
            started = new Started();
        }
        Run run = started.run(name + " " + String.join(" ", arguments));
        if (!started.process.isAlive()) {
            close();
        }
        return run;
    }

    @Override
    public void close() throws IOException {
        if (started != null) {
            started.process.destroyForcibly();
            Files.delete(started.errors);
            started = null;
        }
    }

    private final class Started {
        final Path errors = Files.createTempFile("examples-", ".err");
        final Process process = Jvm.of(classPath, OneAfterAnother.class.getName(), Long.toString(limit.toMillis()))
                .redirectError(errors.toFile())
                .start();
        private final BufferedReader output = process.inputReader(UTF_8);
        private final Writer lines = process.outputWriter(UTF_8);
        private int errorsSeen;

        Started() throws IOException {}

        Run run(String line) throws Exception {
            lines.write(line + "\n");
            lines.flush();
            var printed = new StringBuilder();
            Matcher end = END.matcher(printed);
            boolean ended = false;
            for (int next = output.read(); next >= 0; next = ended ? -1 : output.read()) {
                printed.append((char) next);
                ended = next == '\n' && end.reset().find();
            }
            if (!ended) {
                process.waitFor();
            }
            String all = Files.readString(errors);
            var run = new Run(
                    ended ? Integer.parseInt(end.group(1)) : process.exitValue(),
                    ended ? printed.substring(0, end.start()) : printed.toString(),
                    all.substring(errorsSeen));
            errorsSeen = all.length();
            return run;
        }
    }
}
