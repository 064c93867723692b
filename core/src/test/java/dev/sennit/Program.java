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
import java.util.concurrent.TimeUnit;

/** Programs in JVMs of their own, for what a test cannot do to the JVM it runs in. */
public final class Program {
    private Program() {}

    /** Runs a program in a JVM with the library and the tests on its class path, and returns what it printed. */
    public static String outputOf(Class<?> program, String... jvmOptions) throws IOException, InterruptedException {
        List<String> command = command(List.of(jvmOptions), program);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new AssertionError(command + " has not ended after 30 s");
            }
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } finally {
            process.destroyForcibly();
        }
    }

    /** How to start a program that way. */
    public static List<String> command(List<String> jvmOptions, Class<?> program, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions);
        command.addAll(List.of(
                "-cp", folderOf(Pools.class) + File.pathSeparator + folderOf(Program.class), program.getName()));
        command.addAll(List.of(arguments));
        return command;
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
