package dev.sennit.images;

import dev.sennit.images.internal.files.FolderOnDemand;
import dev.sennit.images.internal.files.PartFile;
import dev.sennit.images.internal.text.Printable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The folder for thumbnails: {@code name_200.jpg}, {@code name_64.jpg} beside each other. Each file exists completely
 * or not at all.
 *
 * {@snippet :
 * OutputFolder small = OutputFolder.open(java.nio.file.Path.of("small"), OutputFolder.Existing.KEEP);
 * var source = new Source.LocalFile(java.nio.file.Path.of("photos/cat.jpg"));
 * java.nio.file.Path file = small.file(source, 200, "jpg"); // small/cat_200.jpg
 * byte[] image = {1, 2, 3};
 * System.out.println(small.write(file, image) ? file + " written" : file + " was there");
 * }
 *
 * <h2>Names</h2>
 *
 * <p>The name is that of the source's file, or the last part of its path on the web, without the ending of an image.
 * Characters that are unsafe in a file system or terminal become {@code _}: separators, control characters, characters
 * that change the direction of writing, leading dots and dashes. Names that Windows reserves get a {@code _} in front;
 * accents are composed (Unicode NFC); at most 200 bytes of UTF-8 are kept. So no name of a source leads out of this
 * folder.
 *
 * <p>If two sources have the same name, or names that differ only in case, the later one gets 8 digits of the SHA-256
 * of its path or address appended. <em>Later</em> means by the calls of {@link #file}: call it first for each source in
 * the order of the sources, and every run over the same sources gives the same names.
 *
 * <h2>Writing</h2>
 *
 * <p>A file is written as {@code .sennit-NUMBERS.part} in the same folder and then renamed atomically. If writing
 * fails, or the thread is interrupted, nothing is left, nor a folder that was made for it. A killed process can leave
 * its {@code .part}. A {@code .part} is locked while its process lives, and {@link #open} removes unlocked ones. Any
 * number of processes may write into one folder.
 *
 * <p><b>Not promised:</b> on file systems without locks (some network ones), the {@code .part} files of killed
 * processes stay. On those without hard links, {@link Existing#FAIL} and {@link Existing#KEEP} can replace a file that
 * another process makes at the same moment. Only in a {@link #durable} folder is a file certain to survive a loss of
 * power.
 *
 * <p>Thread-safe.
 */
public final class OutputFolder {
    /** What to do if a file exists already. */
    public enum Existing {
        /** Writing the file fails. */
        FAIL,
        /** The existing file is kept. */
        KEEP,
        /** The existing file is replaced, in one step. */
        REPLACE
    }

    private static final int MOST_TRIES = 100;

    private final Path folder;
    private final FolderOnDemand onDemand;
    private final Existing existing;
    private final boolean durable;
    private final Names names;

    private OutputFolder(Path folder, FolderOnDemand onDemand, Existing existing, boolean durable, Names names) {
        this.folder = folder;
        this.onDemand = onDemand;
        this.existing = existing;
        this.durable = durable;
        this.names = names;
    }

    /**
     * Opens a folder to write into, and removes the leftovers of killed processes. If there is no such folder, the
     * first written file makes it, with its parents; so a run that writes nothing leaves none. This method tries
     * whether it can be made.
     *
     * @param folder the folder
     * @param existing what to do about existing files
     * @return the folder
     * @throws IOException if the folder cannot be made or written into; the message is one line
     * @throws InterruptedException if the thread is interrupted
     */
    public static OutputFolder open(Path folder, Existing existing) throws IOException, InterruptedException {
        Objects.requireNonNull(existing, "existing");
        var onDemand = new FolderOnDemand(folder);
        try { // to fail now rather than after the first image
            onDemand.make();
            PartFile.removeDead(folder);
            PartFile.create(folder.resolve("image")).close();
        } finally {
            onDemand.removeEmpty();
        }
        return new OutputFolder(folder, onDemand, existing, false, new Names());
    }

    /**
     * Returns a folder that only tells what would be written: it need not exist, and nothing is made.
     *
     * @param folder the folder
     * @param existing what would be done about existing files
     * @return the folder
     */
    public static OutputFolder planned(Path folder, Existing existing) {
        return new OutputFolder(folder, new FolderOnDemand(folder), existing, false, new Names());
    }

    /**
     * Returns this folder with a {@link #write} that returns only when the file would survive a loss of power. That
     * costs a few milliseconds for each file.
     *
     * @return the same folder, with the same names
     */
    public OutputFolder durable() {
        return new OutputFolder(folder, onDemand, existing, true, names);
    }

    /**
     * Returns the file for a size of a source. The first call for a source fixes its name.
     *
     * @param source the source of the image
     * @param size its width, 1 or more
     * @param format the extension, such as {@code jpg}: 1 to 5 lower-case letters and digits
     * @return the path, in this folder; nothing is written
     * @throws IllegalArgumentException if the size is less than 1 or the format is no such extension
     */
    public Path file(Source source, int size, String format) {
        if (size < 1) {
            throw new IllegalArgumentException("size must be >= 1, was " + size);
        }
        if (!format.matches("[a-z0-9]{1,5}")) {
            throw new IllegalArgumentException(
                    "format must be 1 to 5 lower-case letters and digits, was \"" + format + "\"");
        }
        return folder.resolve(names.of(source) + "_" + size + "." + format);
    }

    /**
     * Returns whether a file need not be made, because it exists and {@linkplain Existing#KEEP is kept}.
     *
     * @param file a path that {@link #file} returned
     * @return true if {@link #write} would return false now
     */
    public boolean keeps(Path file) {
        return existing == Existing.KEEP && Files.exists(file);
    }

    /**
     * Returns whether writing a file would fail because it {@linkplain Existing#FAIL exists}, so that the caller can
     * report that before making it.
     *
     * @param file a path that {@link #file} returned
     * @return true if {@link #write} would fail now
     */
    public boolean refuses(Path file) {
        return existing == Existing.FAIL && Files.exists(file);
    }

    /**
     * Writes a file completely or not at all.
     *
     * @param file a path that {@link #file} returned
     * @param content its content
     * @return false if the file exists and {@linkplain Existing#KEEP is kept}
     * @throws IOException if the file cannot be written, or {@linkplain Existing#FAIL exists}; the message is one line
     * @throws InterruptedException if the thread is interrupted before the end; then nothing was written
     * @throws IllegalArgumentException if the file is not in this folder
     */
    public boolean write(Path file, byte[] content) throws IOException, InterruptedException {
        if (!file.equals(folder.resolve(String.valueOf(file.getFileName())))) {
            throw new IllegalArgumentException("file must be in folder " + folder + ", was " + file);
        }
        if (keeps(file)) {
            return false;
        }
        boolean moved = false;
        try (PartFile part = part(file)) {
            part.write(ByteBuffer.wrap(content));
            if (durable) {
                part.force();
            }
            moved = move(part, file);
            if (moved && durable) {
                PartFile.forceFolder(folder);
            }
            return moved;
        } finally {
            if (!moved) { // closing the part deletes its file
                onDemand.removeEmpty();
            }
        }
    }

    /** Renames a part file to its target, and returns false if the target is there and is kept. */
    private boolean move(PartFile part, Path file) throws IOException, InterruptedException {
        if (existing == Existing.REPLACE) {
            part.replace();
            return true;
        }
        boolean added = part.add();
        if (!added && existing == Existing.FAIL) {
            throw new IOException("cannot write " + Printable.text(file.toString())
                    + ": it exists; keep or replace it, or choose another folder");
        }
        return added;
    }

    /** Begins a file. Another writer may remove the empty folder after it was made; then it is made again. */
    private PartFile part(Path file) throws IOException, InterruptedException {
        for (int tries = 1;; tries++) {
            onDemand.make();
            try {
                return PartFile.create(file);
            } catch (IOException e) {
                if (tries == MOST_TRIES || !(e.getCause() instanceof NoSuchFileException)) {
                    throw e;
                }
            }
        }
    }

    /**
     * Returns the folder.
     *
     * @return its path, as it was given
     */
    public Path folder() {
        return folder;
    }

    @Override
    public String toString() {
        return "OutputFolder[" + folder + ", " + existing + (durable ? ", durable, " : ", ") + names.size() + " names]";
    }

    /** The names of the sources. */
    private static final class Names {
        /** Guarded by this. The names by the source's identity. */
        private final Map<String, String> given = new HashMap<>();
        /** Guarded by this. The source of each name, by the name as a case-insensitive file system sees it. */
        private final Map<String, String> owners = new HashMap<>();

        synchronized String of(Source source) {
            String identity = FileNames.identity(source);
            String known = given.get(identity);
            if (known != null) {
                return known;
            }
            String plain = FileNames.of(source);
            String name = plain;
            for (int digits = 8; owners.putIfAbsent(FileNames.key(name), identity) != null; digits *= 2) {
                name = FileNames.withHash(plain, identity, digits);
            }
            given.put(identity, name);
            return name;
        }

        synchronized int size() {
            return given.size();
        }
    }
}
