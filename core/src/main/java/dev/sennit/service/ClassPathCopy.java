package dev.sennit.service;

import dev.sennit.internal.machine.MeetingFolder;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A copy of a class path, in a private folder. A JVM loads classes late, so a JVM whose jar is overwritten in place
 * fails at some later moment. The copy is never overwritten; a hard link would be.
 *
 * <p>The jars that a manifest names by {@code Class-Path} are relative to its jar, and are not found from the copy:
 * name them on the class path. The next program that makes such a folder removes the folders of killed managers.
 */
final class ClassPathCopy {
    private final Path folder;
    private final List<Path> parts;

    private ClassPathCopy(Path folder, List<Path> parts) {
        this.folder = folder;
        this.parts = parts;
    }

    /**
     * Copies a class path.
     *
     * @throws IOException if a part is missing, or the disk is full; then the partial copy is removed
     */
    static ClassPathCopy of(String service, List<Path> classPath) throws IOException {
        Path folder = MeetingFolder.create();
        boolean isWhole = false;
        try {
            List<Path> parts = new ArrayList<>();
            for (Path part : classPath) {
                if (!Files.exists(part)) {
                    throw new IOException("class path of service " + service + ": there is no " + part.toAbsolutePath()
                            + "; correct the class path, or build it");
                }
                Path name = part.toAbsolutePath().normalize().getFileName();
                // Numbered: two parts may have the same name, and their order decides which class is found.
                Path copy = folder.resolve(parts.size() + "-" + (name == null ? "root" : name));
                try {
                    copy(part, copy);
                } catch (IOException e) {
                    throw new IOException("class path of service " + service + ": " + part.toAbsolutePath()
                            + " cannot be copied: " + e, e);
                }
                parts.add(copy);
            }
            isWhole = true;
            return new ClassPathCopy(folder, List.copyOf(parts));
        } finally {
            if (!isWhole) {
                MeetingFolder.remove(folder);
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, Set.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                            throws IOException {
                        Files.createDirectory(to.resolve(from.relativize(directory).toString()));
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                        if (!attributes.isOther()) { // no sockets or pipes: reading a pipe may not end
                            Path target = file.equals(from) ? to : to.resolve(from.relativize(file).toString());
                            Files.copy(file, target);
                        }
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    List<Path> parts() {
        return parts;
    }

    void remove() {
        MeetingFolder.remove(folder);
    }
}
