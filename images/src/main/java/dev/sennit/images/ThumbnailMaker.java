package dev.sennit.images;

import dev.sennit.TaskFunction;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Makes thumbnails of images.
 *
 * {@snippet :
 * ThumbnailMaker maker = new ThumbnailMaker(ThumbnailSettings.defaults().withSizes(200, 64));
 * byte[] photo = Files.readAllBytes(Path.of("photo.jpg"));
 * Thumbnails made = maker.make(photo);
 * Files.write(Path.of("photo_200.jpg"), made.all().getFirst().bytes());
 *
 * // it is a task function itself: decoders crash, and then only a worker does
 * try (Pool pool = Pools.open("processes:2")) {
 *     List<Thumbnails> all = pool.map(maker, List.of(photo, photo));
 * }
 * }
 *
 * <p>Pictures are turned upright and their colours converted to sRGB; metadata are dropped. The header is read before a
 * decoder sees the file, and an error in the header, in the structure of the file or in the decoder is an
 * {@link ImageException} of one line. A JPEG has no checksums: wrong bytes in the middle, which the decoder silently
 * turns into wrong colours, are not noticed.
 *
 * <p>It is immutable and thread-safe, and can be sent to other processes. A call uses one thread, and releases all
 * native memory when it returns. Only the number of pixels limits the time of a call: give the task a timeout on a pool
 * of processes.
 */
public final class ThumbnailMaker implements TaskFunction<byte[], Thumbnails> {
    @Serial
    private static final long serialVersionUID = 1;

    private final ThumbnailSettings settings;

    /**
     * Creates a maker.
     *
     * @param settings what to make
     * @throws IllegalStateException if the named codec is not available here
     */
    public ThumbnailMaker(ThumbnailSettings settings) {
        Codecs.ensureAvailable(settings.codec());
        this.settings = settings;
    }

    /**
     * Returns the codecs that are available here: {@code leptonica} comes with this library, {@code turbojpeg} is
     * installed in the system; both need Linux and native access, and are more than ten times as fast on photographs as
     * {@code jdk}, which is always there.
     *
     * @return names, in the order in which they are tried
     */
    public static List<String> codecs() {
        return Codecs.available();
    }

    /**
     * Returns the settings.
     *
     * @return the settings
     */
    public ThumbnailSettings settings() {
        return settings;
    }

    /** Does the same as {@link #make(byte[])}. */
    @Override
    public Thumbnails call(byte[] image) throws ImageException {
        return make(image);
    }

    /**
     * Makes thumbnails of a file.
     *
     * @param file an image
     * @return a thumbnail for each size
     * @throws ImageException if none can be made; the message begins with the file's name
     * @throws IOException if the file cannot be read
     */
    public Thumbnails make(Path file) throws IOException {
        byte[] image = Files.readAllBytes(file);
        try {
            return make(image);
        } catch (ImageException e) {
            throw new ImageException(file.getFileName() + ": " + e.getMessage(), e);
        }
    }

    /**
     * Makes thumbnails of an image in memory.
     *
     * @param image the content of a file; not changed
     * @return a thumbnail for each size
     * @throws ImageException if none can be made
     */
    public Thumbnails make(byte[] image) throws ImageException {
        return new Making(settings, image).make();
    }

    @Override
    public String toString() {
        return "ThumbnailMaker " + settings + ", codecs " + codecs();
    }
}
