package dev.sennit.benchmarks.corpus;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM for one program, which answers in lines, and is ended after a time. */
final class CorpusJvm {
    static final String HANG = "HANG";

    private CorpusJvm() {}

    /**
     * Waits for the answers.
     *
     * @param folder for what the JVM prints
     * @param classPath what the program needs besides the classes of this JVM
     * @param options for the JVM
     * @param words the class to run and its arguments
     * @return what it has answered; and then HANG if it took longer, or EXIT and what is known if it ended on its own
     */
    static List<String> answers(
            Path folder, String classPath, List<String> options, List<String> words, long seconds)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-ea", "-XX:+UseSerialGC", "-Xmx1g", "-cp", classPath));
        command.addAll(words);
        Path out = folder.resolve("out");
        Path errors = folder.resolve("errors");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(errors.toFile())
                .start();
        try {
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            List<String> answers = new ArrayList<>(Files.readAllLines(out, StandardCharsets.UTF_8));
            if (!ended) {
                answers.add(HANG);
            } else if (process.exitValue() != 0 || answers.isEmpty()) {
                String said = Files.readString(errors, StandardCharsets.UTF_8).lines().findFirst().orElse("");
                answers.add(("EXIT " + process.exitValue() + ' ' + said).strip());
            }
            return answers;
        } finally {
            process.destroyForcibly().waitFor();
        }
    }
}
