package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An application of its own, compiled and started as a user would: workers find its classes however it was started. */
class ApplicationIT {
    private static final String MAIN = """
            package app;
            import dev.sennit.*;
            import java.util.*;
            public final class Main {
                record Pair(int number, String text) implements java.io.Serializable {}
                public static void main(String[] arguments) throws Exception {
                    var settings = dev.sennit.process.ProcessPool.builder().workers(1).heap("64m");
                    String classPath = System.getProperty("app.classPath");
                    if (classPath != null) {
                        settings.classPath(Arrays.stream(classPath.split(java.io.File.pathSeparator))
                                .map(java.nio.file.Path::of)
                                .toArray(java.nio.file.Path[]::new));
                    }
                    try (Pool pool = settings.open()) {
                        String captured = arguments[0];
                        Pair pair = pool.submit(() -> new Pair(captured.length(), System.getProperty("app.word")))
                                .get();
                        boolean named = pool.submit(() -> Main.class.getModule().isNamed()).get();
                        boolean signals = pool.submit(
                                () -> ModuleLayer.boot().findModule("jdk.unsupported").isPresent()).get();
                        System.out.println("workers leave signals to their parent: " + signals);
                        System.out.println(pair + " " + named + " " + pool.map(n -> n * n, List.of(1, 2, 3)));
                        System.out.println(told(() -> pool.submit(() -> {
                            throw new Own(new Pair(7, "seven"));
                        }).get().toString()));
                        Object object = new Object();
                        System.out.println(told(() -> pool.submit(() -> object.hashCode()).get().toString()));
                    }
                }
                static final class Own extends Exception {
                    final Pair pair;
                    Own(Pair pair) { this.pair = pair; }
                }
                static String told(java.util.concurrent.Callable<String> call) throws Exception {
                    try {
                        return call.call();
                    } catch (java.util.concurrent.ExecutionException e) {
                        return e.getCause() instanceof Own own ? "own " + own.pair : "other " + e.getCause();
                    } catch (TaskSerializationException e) {
                        return "refused: " + e.getMessage();
                    }
                }
            }
            """;

    @Test
    void onTheModulePathInAFolderWithASpace(@TempDir Path folder) throws Exception {
        Path classes = folder.resolve("my app");
        compile(folder, classes, List.of("--module-path", library()), "module app { requires dev.sennit; }");
        List<String> command = java(
                "--module-path", library() + File.pathSeparator + classes, "--module", "app/app.Main", "four");
        assertThat(run(command))
                .contains("Pair[number=4, text=a word] true [1, 4, 9]")
                .contains("own Pair[number=7, text=seven]")
                .contains("refused: ", "captures a java.lang.Object", "Main.java:27", "to their parent: true");
    }

    @Test
    void onTheClassPathInAFolderWithASpace(@TempDir Path folder) throws Exception {
        Path classes = folder.resolve("my app");
        compile(folder, classes, List.of("--class-path", library()), null);
        List<String> command =
                java("--class-path", library() + File.pathSeparator + classes, "app.Main", "four");
        assertThat(run(command))
                .contains("Pair[number=4, text=a word] false [1, 4, 9]")
                .contains("own Pair[number=7, text=seven]")
                .contains("refused: ", "captures a java.lang.Object", "Main.java:27");
    }

    /** What a worker on a class path can read of a record, a parent in a module that hides it cannot. */
    @Test
    void onTheModulePathWithWorkersOnAClassPath(@TempDir Path folder) throws Exception {
        Path classes = folder.resolve("classes");
        compile(folder, classes, List.of("--module-path", library()), "module app { requires dev.sennit; }");
        List<String> command = java(
                "-Dapp.classPath=" + library() + File.pathSeparator + classes,
                "--module-path",
                library() + File.pathSeparator + classes,
                "--module",
                "app/app.Main",
                "four");
        assertThat(run(command)).contains("Pair[number=4, text=a word] false [1, 4, 9]");
    }

    @Test
    void onARelativeClassPath(@TempDir Path folder) throws Exception {
        Path classes = folder.resolve("classes");
        compile(folder, classes, List.of("--class-path", library()), null);
        List<String> command = java("--class-path", library() + File.pathSeparator + ".", "app.Main", "four");
        assertThat(run(command, classes)).contains("Pair[number=4, text=a word] false [1, 4, 9]");
    }

    /** A program given as a source file lives in the launcher's memory, from which workers borrow it. */
    @Test
    void asASourceFile(@TempDir Path folder) throws Exception {
        Path source = Files.writeString(Files.createDirectory(folder.resolve("app")).resolve("Main.java"), MAIN);
        List<String> command = java("--class-path", library(), source.toString(), "four");
        assertThat(run(command)).contains("Pair[number=4, text=a word] false [1, 4, 9]")
                .contains("own Pair[number=7, text=seven]");
    }

    /** The jar or folder that this test itself runs the library from. */
    private static String library() throws Exception {
        return Path.of(ProcessPool.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI())
                .toString();
    }

    private static void compile(Path folder, Path classes, List<String> paths, String module) throws Exception {
        List<String> arguments = new ArrayList<>(paths);
        arguments.addAll(List.of("-d", classes.toString()));
        arguments.add(Files.writeString(folder.resolve("Main.java"), MAIN).toString());
        if (module != null) {
            arguments.add(Files.writeString(folder.resolve("module-info.java"), module).toString());
        }
        arguments.addFirst(Path.of(System.getProperty("java.home"), "bin", "javac").toString());
        assertThat(run(arguments)).as("javac's complaints").isEmpty();
    }

    private static List<String> java(String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Dapp.word=a word"));
        command.addAll(List.of(arguments));
        return command;
    }

    private static String run(List<String> command) throws Exception {
        return run(command, Path.of("."));
    }

    private static String run(List<String> command, Path folder) throws Exception {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        try {
            String output =
                    new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return output;
        } finally {
            process.destroyForcibly();
        }
    }
}
