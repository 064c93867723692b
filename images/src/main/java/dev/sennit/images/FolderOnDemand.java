package dev.sennit.images;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A folder, and those above it, that are made when something is to be written into it, and go again if nothing was.
 *
 * <p>Only folders that this object made are removed, and only while they are empty: the system refuses to remove others. Several
 * writers share one: the first that writes makes the folders, and each that fails tries to remove them. A writer can therefore find
 * the folder gone between {@link #make} and its own step, and calls {@code make} again.
 */
final class FolderOnDemand {
    private final Path folder;
    /** Those that were made here and may still be there, the deepest first. Guarded by this. */
    private final Deque<Path> made = new ArrayDeque<>();

    FolderOnDemand(Path folder) {
        this.folder = folder;
    }

    /**
     * Makes the folder and those above it, where they are missing.
     *
     * @throws IOException if it cannot be; in one line
     */
    synchronized void make() throws IOException {
        try {
            make(folder.toAbsolutePath());
        } catch (IOException e) {
            throw new IOException(
                    "cannot make folder " + Printable.text(folder.toString()) + ": " + Printable.reason(e) + "; choose another", e);
        }
    }

    private void make(Path one) throws IOException {
        if (Files.isDirectory(one)) {
            return;
        }
        Path parent = one.getParent();
        if (parent != null) {
            make(parent);
        }
        try {
            Files.createDirectory(one);
            made.addFirst(one);
        } catch (FileAlreadyExistsException e) {
            if (Files.isDirectory(one)) {
                return; // another program has just made it, and it stays
            }
            throw one.equals(folder.toAbsolutePath()) ? e : new FileSystemException(one.toString(), null, one + " is a file");
        }
    }

    /** Removes the folders that were made here and are empty. */
    synchronized void removeEmpty() {
        try {
            while (!made.isEmpty()) {
                Files.deleteIfExists(made.getFirst());
                made.removeFirst();
            }
        } catch (IOException e) {
            // it holds something, and so do those above it
        }
    }
}
