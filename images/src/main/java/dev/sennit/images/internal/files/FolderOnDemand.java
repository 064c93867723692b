package dev.sennit.images.internal.files;

import dev.sennit.images.internal.text.Printable;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A folder that is made, with its parents, before the first write into it, and removed again if nothing was written.
 *
 * <p>Only folders that this object made are removed, and only while they are empty: the system refuses to remove
 * others. Several writers share one object: the first that writes makes the folders, and each that fails tries to
 * remove them. A writer can therefore find the folder gone between {@link #make} and its own step, and calls
 * {@code make} again.
 */
public final class FolderOnDemand {
    private final Path folder;
    /** Guarded by this. The folders that were made here and may still exist, the deepest first. */
    private final Deque<Path> made = new ArrayDeque<>();

    public FolderOnDemand(Path folder) {
        this.folder = folder;
    }

    /**
     * Makes the folder and those above it, where they are missing.
     *
     * @throws IOException if they cannot be made; the message is one line
     */
    public synchronized void make() throws IOException {
        try {
            make(folder.toAbsolutePath());
        } catch (IOException e) {
            throw new IOException(
                    "cannot make folder " + Printable.text(folder.toString()) + ": " + Printable.reason(e)
                            + "; choose another",
                    e);
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
                return; // another program has just made it: it stays
            }
            throw one.equals(folder.toAbsolutePath())
                    ? e
                    : new FileSystemException(one.toString(), null, one + " is a file");
        }
    }

    /** Removes the folders that were made here and are empty. */
    public synchronized void removeEmpty() {
        try {
            while (!made.isEmpty()) {
                Files.deleteIfExists(made.getFirst());
                made.removeFirst();
            }
        } catch (IOException e) {
            // it is not empty, and so its parents are not
        }
    }
}
