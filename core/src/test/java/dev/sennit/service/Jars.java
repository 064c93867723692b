package dev.sennit.service;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;

/** What a program needs that runs in a JVM of its own: the library as a jar, and some classes of the tests. */
final class Jars {
    private Jars() {}

    /** The library's jar; made in a folder if the tests have the library's classes. */
    static Path library(Path folder) throws IOException {
        Path library;
        try {
            library = Path.of(ServiceManager.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
        if (!Files.isDirectory(library)) {
            return library;
        }
        Path jar = folder.resolve("library.jar");
        if (Files.exists(jar)) {
            return jar;
        }
        List<Path> files;
        try (var all = Files.walk(library)) {
            files = all.filter(Files::isRegularFile).toList();
        }
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.setLevel(0);
            for (Path file : files) {
                out.putNextEntry(new ZipEntry(library.relativize(file).toString()));
                Files.copy(file, out);
                out.closeEntry();
            }
        }
        return jar;
    }

    /** Writes a jar of classes: unlike a folder of them, it stays open. */
    static Path write(Path jar, Class<?>... classes) throws IOException {
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (Class<?> one : classes) {
                out.putNextEntry(new ZipEntry(one.getName().replace('.', '/') + ".class"));
                out.write(bytes(one));
                out.closeEntry();
            }
        }
        return jar;
    }

    private static byte[] bytes(Class<?> one) throws IOException {
        try (InputStream in = one.getResourceAsStream(
                one.getName().substring(one.getPackageName().length() + 1) + ".class")) {
            return in.readAllBytes();
        }
    }

    /** Writes classes below a folder, over those that are there. */
    static void writeClasses(Path folder, Class<?>... classes) throws IOException {
        for (Class<?> one : classes) {
            Path file = folder.resolve(one.getName().replace('.', '/') + ".class");
            Files.createDirectories(file.getParent());
            Files.write(file, bytes(one));
        }
    }
}
