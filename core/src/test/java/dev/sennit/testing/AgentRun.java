package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;

/** A program in a JVM of its own, with the agent or without, and what it prints. */
record AgentRun(@Nullable Path folder) {
    private static final String OPENS = "--add-opens=java.base/java.lang=ALL-UNNAMED";

    static AgentRun of(Path folder) {
        return new AgentRun(folder);
    }

    static AgentRun without() {
        return new AgentRun(null);
    }

    /** All on the class path; the agent opens what it needs, without it an option does. */
    String program(Class<?> main, String... prefixes) throws IOException, InterruptedException {
        return output("java",
                List.of(agent(prefixes), "-cp", library() + File.pathSeparator + rootOf(main), main.getName()));
    }

    /** The library is a module; the program is compiled first, and is one too if its sources say so. */
    String besideModule(Map<String, String> sources, String main, String... prefixes)
            throws IOException, InterruptedException {
        Path from = Files.createDirectories(folder.resolve("sources"));
        Path to = Files.createDirectories(folder.resolve("classes"));
        boolean isModule = sources.containsKey("module-info.java");
        List<String> compilation =
                new ArrayList<>(List.of("-proc:none", "-p", library().toString(), "-d", to.toString()));
        List<String> run = new ArrayList<>(List.of(agent(prefixes), "-p"));
        if (isModule) {
            run.addAll(List.of(library() + File.pathSeparator + to, "-m", main));
        } else {
            compilation.addAll(List.of("--add-modules", "dev.sennit"));
            run.addAll(List.of(library().toString(), "--add-modules", "dev.sennit", "-cp", to.toString(), main));
        }
        for (Map.Entry<String, String> source : sources.entrySet()) {
            Path file = from.resolve(source.getKey());
            Files.createDirectories(file.getParent());
            compilation.add(Files.writeString(file, source.getValue()).toString());
        }
        assertThat(output("javac", compilation)).doesNotContain("error");
        return output("java", run);
    }

    private String agent(String... prefixes) throws IOException {
        if (folder == null) {
            return OPENS;
        }
        return "-javaagent:" + jar(folder) + (prefixes.length == 0 ? "" : "=" + String.join(",", prefixes));
    }

    /** A jar with what the manifest of the library's says. */
    private static Path jar(Path folder) throws IOException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", MemoryPoints.class.getName());
        manifest.getMainAttributes().putValue("Can-Retransform-Classes", "true");
        Path jar = folder.resolve("agent.jar");
        try (OutputStream out = Files.newOutputStream(jar)) {
            new JarOutputStream(out, manifest).close();
        }
        return jar;
    }

    private static String output(String tool, List<String> options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(options);
        command.addFirst(Path.of(System.getProperty("java.home"), "bin", tool).toString());
        Path printed = Files.createTempFile("sennit-", ".txt");
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(printed.toFile());
        builder.environment().remove("JAVA_TOOL_OPTIONS"); // of which the JVM would tell
        Process process = builder.start();
        try {
            boolean ended = process.waitFor(60, TimeUnit.SECONDS);
            String output = Files.readString(printed);
            assertThat(ended).as("ended, after it printed %s", output).isTrue();
            return output;
        } finally {
            process.destroyForcibly();
            Files.delete(printed);
        }
    }

    private static Path library() {
        return rootOf(MemoryPoints.class);
    }

    /** Not the code source: that of a test which is patched into the library's module is the library's. */
    private static Path rootOf(Class<?> type) {
        String name = type.getName();
        URL found = type.getResource(name.substring(name.lastIndexOf('.') + 1) + ".class");
        try {
            if (found.openConnection() instanceof JarURLConnection jar) {
                return Path.of(URI.create(jar.getJarFileURL().toString()));
            }
            return Path.of(URI.create(found.toString())).resolve("../../../..").normalize();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
