package dev.sennit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A program of its own, for what a test cannot do to the JVM it runs in. */
public final class Program {
    private Program() {}

    /** Arguments: what to do, and a plan. */
    public static void main(String[] arguments) throws InterruptedException {
        Pool pool = Pools.open(arguments[1]);
        switch (arguments[0]) {
            case "exit" -> {
                pool.submit(() -> System.exit(3));
                new CountDownLatch(1).await(); // it is the task that ends this program
            }
            case "leave" -> {
                Action endless = () -> {
                    while (true) {
                        Thread.onSpinWait();
                    }
                };
                pool.submit(pool.workers() == 1 ? () -> {} : endless); // one worker may be this thread
                System.out.println("main returns, with the pool open");
            }
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** Runs this program in a JVM with the library and the tests on its class path, and returns its exit code. */
    static int run(String... arguments) throws IOException, InterruptedException {
        Ended ended = ended(List.of(), Program.class, arguments);
        if (ended.exitCode() == 1) {
            throw new AssertionError(ended.output());
        }
        return ended.exitCode();
    }

    /** Runs another program that way, and returns what it printed. */
    public static String outputOf(Class<?> program, String... jvmOptions) throws IOException, InterruptedException {
        return ended(List.of(jvmOptions), program).output();
    }

    private record Ended(int exitCode, String output) {}

    /** How to start another program that way. */
    public static List<String> command(List<String> jvmOptions, Class<?> program, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions);
        command.addAll(List.of(
                "-cp", folderOf(Pools.class) + File.pathSeparator + folderOf(Program.class), program.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    private static Ended ended(List<String> jvmOptions, Class<?> program, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = command(jvmOptions, program, arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new AssertionError(command + " has not ended after 30 s");
            }
            return new Ended(
                    process.exitValue(), new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        } finally {
            process.destroyForcibly();
        }
    }

    /** Not the code source: that of a test which is patched into the library's module is the library's. */
    private static Path folderOf(Class<?> type) {
        URL found = type.getResource(type.getSimpleName() + ".class");
        try {
            if (found.openConnection() instanceof JarURLConnection jar) {
                return Path.of(URI.create(jar.getJarFileURL().toString()));
            }
            Path file = Path.of(URI.create(found.toString()));
            return file.getParent().getParent().getParent();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
