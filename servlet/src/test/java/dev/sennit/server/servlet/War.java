package dev.sennit.server.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import javax.tools.ToolProvider;

/** A WAR that a test builds. */
final class War {
    private final Path folder;
    private final List<Path> sources = new ArrayList<>();

    /** @param folder where it is exploded */
    War(Path folder) throws IOException {
        this.folder = folder;
        Files.createDirectories(classes());
    }

    private Path classes() {
        return folder.resolve("WEB-INF/classes");
    }

    War file(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return this;
    }

    War source(String className, String text) throws IOException {
        Path source = folder.resolveSibling(folder.getFileName() + "-sources")
                .resolve(className.replace('.', '/') + ".java");
        Files.createDirectories(source.getParent());
        sources.add(Files.writeString(source, text));
        return this;
    }

    /** Compiles what there is, and returns the folder. */
    Path exploded() {
        List<String> arguments = new ArrayList<>(List.of(
                "-proc:none", "-implicit:none", "-cp", System.getProperty("java.class.path"), "-d",
                classes().toString()));
        sources.forEach(source -> arguments.add(source.toString()));
        int code = ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments.toArray(String[]::new));
        assertThat(code).as("compiles").isZero();
        return folder;
    }

    /** Compiles what there is, and packs it. */
    Path packed(Path war) throws IOException {
        Path root = exploded();
        try (var out = new JarOutputStream(Files.newOutputStream(war)); Stream<Path> files = Files.walk(root)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                out.putNextEntry(new ZipEntry(root.relativize(file).toString()));
                Files.copy(file, out);
            }
        }
        return war;
    }
}
