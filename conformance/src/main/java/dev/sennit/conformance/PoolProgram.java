package dev.sennit.conformance;

import dev.sennit.Action;
import dev.sennit.Pool;
import dev.sennit.Pools;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A program that opens a pool, for what a test cannot do to the JVM it runs in. */
final class PoolProgram {
    private PoolProgram() {}

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

    /**
     * Runs this program in a JVM with all that is on the paths of this JVM on its class path.
     *
     * @param test a class that is beside the kind's
     * @param arguments what to do, and a plan
     * @return its exit code
     */
    static int run(Class<?> test, String... arguments) throws IOException, InterruptedException {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", classPath(test), PoolProgram.class.getName(), arguments[0], arguments[1]);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new AssertionError(command + " has not ended after 30 s");
            }
            if (process.exitValue() == 1) {
                throw new AssertionError(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
            }
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    /** Classes that a build tool patches into a module are on neither path; they lie where the test does. */
    private static String classPath(Class<?> test) {
        Set<String> places =
                new LinkedHashSet<>(List.of(placeOf(Pools.class), placeOf(PoolProgram.class), placeOf(test)));
        for (String path : List.of("java.class.path", "jdk.module.path")) {
            places.addAll(List.of(System.getProperty(path, "").split(File.pathSeparator)));
        }
        places.remove(""); // which would be the current folder
        return String.join(File.pathSeparator, places);
    }

    /** Not the code source: that of a class which is patched into a module is the module's. */
    private static String placeOf(Class<?> type) {
        String file = type.getName().replace('.', '/') + ".class";
        URL found = Objects.requireNonNull(type.getResource("/" + file), file);
        try {
            if (found.openConnection() instanceof JarURLConnection jar) {
                return Path.of(URI.create(jar.getJarFileURL().toString())).toString();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Path place = Path.of(URI.create(found.toString()));
        for (int i = file.split("/").length; i > 0; i--) {
            place = place.getParent();
        }
        return place.toString();
    }
}
