package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs every example in a JVM of its own, as a reader would. */
class ExamplesIT {
    /** What each prints, as a regular expression that has to be found. An example without a line here fails. */
    private static final Map<String, String> PRINTS = new TreeMap<>(Map.ofEntries(
            Map.entry("Backpressure", "pool small is full: 1 running, 2 queued.*\\R.*ran in thread main"),
            Map.entry("BoundedVirtual", "never more than 50 at a time: true"),
            Map.entry("Callbacks", "^sum 6$"),
            Map.entry("CancelBusyLoop", "cancelled: true\\Rnext task: 42"),
            Map.entry("ChoosePlan", "inline ran in thread main\\Rthreads:2 .*worker-\\d\\Rvirtual ran in virtual thread .*"
                    + "\\Rprocesses:1 ran in thread .*worker-1"),
            Map.entry("CompletionOrder", "done after 1 ms\\Rdone after 300 ms\\Rdone after 600 ms"),
            Map.entry("CrashIsolation", "exited with code 7 while it ran task .*CrashIsolation.*\\Rnext task: done"),
            Map.entry("FastestAnswer", "^answer from the second mirror$"),
            Map.entry("HelloPool", "ran on processes:1, in this process: false"),
            Map.entry("LazyMapping", "cube 1\\Rcube 8\\Rcube 27\\Rcube 64\\Rcube 125\\R"),
            Map.entry("MapInOrder", "\\Q[1, 4, 9, 16, 25, 36, 49, 64, 81, 100]\\E"),
            Map.entry("MemoryLimit", "exit code 3: .*ran out of memory \\(heap limit 32m\\)"),
            Map.entry("NestedTasks", "fibonacci\\(15\\) = 610"),
            Map.entry("PlainExecutorService", "^sum 6$"),
            Map.entry("RemoteFailure", "NumberFormatException(?s:.*)RemoteFailure\\.lambda(?s:.*)submitted by(?s:.*)"
                    + "RemoteFailure\\.main"),
            Map.entry("ShutdownNow", "given back: 1\\Rcancelled: true true"),
            Map.entry("Statistics", "100 submitted, 90 succeeded, 10 failed"),
            Map.entry("TimeLimit", "task report ran longer than 100 ms"),
            Map.entry("WaitForFirst", "1 done, 1 cancelled: quick"),
            Map.entry("WhatCanTravel", "there 2, here 1\\R.*captures a java.lang.Object"),
            Map.entry("WorkerLines", "printers-worker-1 out: hello")));

    static Stream<String> names() throws Exception {
        return PRINTS.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void printsWhatItPromises(String name) throws Exception {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Process process = new ProcessBuilder(
                        java.toString(),
                        "--class-path",
                        System.getProperty("java.class.path"),
                        "dev.sennit.examples." + name)
                .redirectErrorStream(true)
                .start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(output).containsPattern(Pattern.compile(PRINTS.get(name), Pattern.MULTILINE));
            assertThat(process.exitValue()).as(output).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void everyExampleIsRunAndListedInTheReadme() throws Exception {
        var examples = new TreeSet<String>();
        try (Stream<Path> files = Files.list(Path.of("src/main/java/dev/sennit/examples"))) {
            files.map(file -> file.getFileName().toString().replace(".java", ""))
                    .filter(name -> !name.equals("package-info"))
                    .forEach(examples::add);
        }
        assertThat(PRINTS.keySet()).isEqualTo(examples);
        var listed = new TreeSet<String>();
        var row = Pattern.compile("\\[`(\\w+)`]\\(examples/src/main/java/dev/sennit/examples/\\1\\.java\\)");
        row.matcher(Files.readString(Path.of("../README.md"))).results().forEach(found -> listed.add(found.group(1)));
        assertThat(listed).isEqualTo(examples);
        assertThat(List.copyOf(examples)).hasSizeGreaterThan(15);
    }
}
