package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import javax.tools.ToolProvider;

/** A user's sources and other files, compiled against Sennit alone, into a folder or a jar. */
public final class UserSources {
    /** The workload com.acme.MyTasks. */
    public static final String MY_TASKS = workload("return 3;");

    private final Map<String, String> files = new LinkedHashMap<>();

    /** Returns the source of the workload com.acme.MyTasks, whose second task returns 4. */
    static String workload(String firstTask) {
        return """
                package com.acme;

                import dev.sennit.Task;
                import java.util.List;
                import java.util.function.Supplier;

                public class MyTasks implements Supplier<List<Task<Integer>>> {
                    @Override
                    public List<Task<Integer>> get() {
                        return List.of(() -> { %s }, () -> 4);
                    }

                    static void ensure(boolean holds, Object told) {
                        if (!holds) {
                            throw new IllegalStateException(String.valueOf(told));
                        }
                    }
                }
                """.formatted(firstTask);
    }

    public UserSources with(String name, String content) {
        files.put(name, content);
        return this;
    }

    /** Compiles what is Java, and copies the rest. */
    public Path into(Path folder, Path... classPath) throws IOException, URISyntaxException {
        Path sources = Files.createTempDirectory("sennit-user-sources");
        try {
            List<String> arguments = new ArrayList<>(List.of("-proc:none", "-nowarn", "-d", folder.toString(), "-cp"));
            List<String> parts = new ArrayList<>(List.of(library().toString()));
            Stream.of(classPath).map(Path::toString).forEach(parts::add);
            arguments.add(String.join(File.pathSeparator, parts));
            Files.createDirectories(folder);
            for (var file : files.entrySet()) {
                boolean isJava = file.getKey().endsWith(".java");
                Path written = (isJava ? sources : folder).resolve(file.getKey());
                Files.createDirectories(written.getParent());
                Files.writeString(written, file.getValue());
                if (isJava) {
                    arguments.add(written.toString());
                }
            }
            if (files.keySet().stream().anyMatch(name -> name.endsWith(".java"))) {
                int exit = ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments.toArray(String[]::new));
                assertThat(exit).as("compiled").isZero();
            }
            return folder;
        } finally {
            try (Stream<Path> left = Files.walk(sources)) {
                for (Path file : left.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    public Path intoJar(Path jar, Path... classPath) throws IOException, URISyntaxException {
        Files.createDirectories(jar.getParent());
        Path folder = into(jar.resolveSibling(jar.getFileName() + " classes"), classPath);
        try (OutputStream out = Files.newOutputStream(jar);
                var entries = new JarOutputStream(out);
                Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                entries.putNextEntry(new ZipEntry(folder.relativize(file).toString().replace(File.separatorChar, '/')));
                Files.copy(file, entries);
            }
        }
        return jar;
    }

    /** Sennit as it is published; a folder, in a build that makes no jars. */
    public static Path library() throws URISyntaxException {
        return Path.of(Pool.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
