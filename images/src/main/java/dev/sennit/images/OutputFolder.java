package dev.sennit.images;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Where the small images go: {@code name_200.jpg}, {@code name_64.jpg} beside each other, each there as a whole or not at all.
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
 * <p>The name is that of the source's file, or the last part of its path on the web, without the ending of an image. What no
 * file system or terminal should meet becomes {@code _}: separators, control characters, what turns the direction of writing,
 * leading dots and dashes; names that Windows reserves get a {@code _} in front; accents are composed (Unicode NFC); at most 200
 * bytes of UTF-8 stay. So whatever a source is called, its files are in this folder.
 *
 * <p>If two sources have the same name, also if only upper and lower case tell them apart, the later one gets 8 digits of the
 * SHA-256 of its path or address behind it. <em>Later</em> goes by the calls of {@link #file}: make the first one for each
 * source in the order of the sources, and every run over the same sources gives the same names.
 *
 * <h2>Writing</h2>
 *
 * <p>A file is written as {@code .sennit-NUMBERS.part} in the same folder and then moved, in one step. If that fails, or the
 * thread is interrupted, nothing is left, and no folder that was made for it. A process that is killed can leave the {@code .part}; it is locked while its process
 * lives, and {@link #open} removes those that nobody has locked. Any number of processes may write into one folder.
 *
 * <p><b>Not promised:</b> on file systems without locks (some network ones) dead {@code .part} files stay. On those without hard
 * links, {@link Existing#FAIL} and {@link Existing#KEEP} can replace a file that another process makes in the same moment. A
 * file survives a loss of power for sure only if the folder is {@link #durable}.
 *
 * <p>Any number of threads may use it, virtual ones among them.
 */
public final class OutputFolder {
    /** What to do about a file that is there already. */
    public enum Existing {
        /** It is an error. */
        FAIL,
        /** It stays as it is. */
        KEEP,
        /** It is replaced, in one step. */
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
     * A folder to write into, cleared of what killed processes left half-written. If there is none, the first file that is written
     * makes it, with those above it; so that there is none where nothing was written. That it can be made is tried here.
     *
     * @param folder the folder
     * @param existing what to do about files that are there
     * @return the folder
     * @throws IOException if it cannot be made or written into; in one line
     * @throws InterruptedException if the thread is interrupted
     */
    public static OutputFolder open(Path folder, Existing existing) throws IOException, InterruptedException {
        Objects.requireNonNull(existing, "existing");
        var onDemand = new FolderOnDemand(folder);
        try { // better now than after the first image was made
            onDemand.make();
            PartFile.removeDead(folder);
            PartFile.create(folder.resolve("image")).close();
        } finally {
            onDemand.removeEmpty();
        }
        return new OutputFolder(folder, onDemand, existing, false, new Names());
    }

    /**
     * A folder to ask what would be written: nothing is made, and it need not be there.
     *
     * @param folder the folder
     * @param existing what would be done about files that are there
     * @return the folder
     */
    public static OutputFolder planned(Path folder, Existing existing) {
        return new OutputFolder(folder, new FolderOnDemand(folder), existing, false, new Names());
    }

    /**
     * This folder, but {@link #write} returns only when the file would survive a loss of power. That costs a few milliseconds a
     * file.
     *
     * @return the same folder, with the same names
     */
    public OutputFolder durable() {
        return new OutputFolder(folder, onDemand, existing, true, names);
    }

    /**
     * The file for a size of a source. The first call for a source settles its name.
     *
     * @param source where the image came from
     * @param size its width, 1 or more
     * @param format the ending of the name, such as {@code jpg}: 1 to 5 lower-case letters and digits
     * @return the path, in this folder; nothing is written
     * @throws IllegalArgumentException if the size is less than 1 or the format something else
     */
    public Path file(Source source, int size, String format) {
        if (size < 1) {
            throw new IllegalArgumentException("size must be >= 1, was " + size);
        }
        if (!format.matches("[a-z0-9]{1,5}")) {
            throw new IllegalArgumentException("format must be 1 to 5 lower-case letters and digits, was \"" + format + "\"");
        }
        return folder.resolve(names.of(source) + "_" + size + "." + format);
    }

    /**
     * Whether a file will not be written because it is there and {@linkplain Existing#KEEP stays}, so that nobody has to make
     * it.
     *
     * @param file a path that {@link #file} returned
     * @return true if {@link #write} would return false now
     */
    public boolean keeps(Path file) {
        return existing == Existing.KEEP && Files.exists(file);
    }

    /**
     * Whether a file cannot be written because it is there and that is an {@linkplain Existing#FAIL error}, so that it is better
     * told before somebody has made it.
     *
     * @param file a path that {@link #file} returned
     * @return true if {@link #write} would fail now
     */
    public boolean refuses(Path file) {
        return existing == Existing.FAIL && Files.exists(file);
    }

    /**
     * Writes a file, all of it or nothing.
     *
     * @param file a path that {@link #file} returned
     * @param content what is to be in it
     * @return false if there is such a file and it {@linkplain Existing#KEEP stays}
     * @throws IOException if it cannot be written, or is there and that is an {@linkplain Existing#FAIL error}; in one line
     * @throws InterruptedException if the thread is interrupted before it is done; then nothing was written
     * @throws IllegalArgumentException if it is not a file in this folder
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
            moved = part.move(existing);
            if (moved && durable) {
                PartFile.forceFolder(folder);
            }
            return moved;
        } finally {
            if (!moved) { // the part is closed, and its file deleted
                onDemand.removeEmpty();
            }
        }
    }

    /** Begins a file, in a folder that another writer can remove, as an empty one, after it was made. */
    private PartFile part(Path file) throws IOException, InterruptedException {
        for (int tries = 1; ; tries++) {
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
     * The folder.
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

    /** Which source has which name. */
    private static final class Names {
        /** Guarded by this. By the source's identity. */
        private final Map<String, String> given = new HashMap<>();
        /** Guarded by this. Names as a file system sees them that knows no case, and whose they are. */
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
