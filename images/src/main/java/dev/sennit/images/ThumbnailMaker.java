package dev.sennit.images;

import dev.sennit.TaskFunction;
import dev.sennit.images.ThumbnailSettings.OnCorrupt;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes thumbnails of images.
 *
 * {@snippet :
 * ThumbnailMaker maker = new ThumbnailMaker(ThumbnailSettings.defaults().withSizes(200, 64));
 * Thumbnails made = maker.make(Files.readAllBytes(Path.of("photo.jpg")));
 * Files.write(Path.of("photo_200.jpg"), made.all().getFirst().bytes());
 *
 * try (Pool pool = Pools.open("processes:2")) { // it is a task function itself: decoders crash, and then only a worker does
 *     List<Thumbnails> all = pool.map(maker, images);
 * }
 * }
 *
 * <p>Pictures are turned upright and their colours converted to sRGB; no metadata are passed on. The header is read before a decoder
 * sees the file, and what the header, the structure of the file or the decoder show to be wrong is an {@link ImageException} of
 * one line. Files of which a decoder makes something else than what was stored, in silence, are not told from good ones.
 *
 * <p>It is immutable, may be used by several threads and leave the JVM; a call uses one thread, and all native memory it took is given
 * back when it returns. How long a call takes has no limit but what the number of pixels sets: give the task a
 * timeout on a pool of processes.
 */
public final class ThumbnailMaker implements TaskFunction<byte[], Thumbnails> {
    @Serial
    private static final long serialVersionUID = 1;

    private final ThumbnailSettings settings;

    /**
     * Creates one.
     *
     * @param settings what to make
     * @throws IllegalStateException when the codec they name is not available here
     */
    public ThumbnailMaker(ThumbnailSettings settings) {
        Codecs.ensureAvailable(settings.codec());
        this.settings = settings;
    }

    /**
     * The codecs that can be used here: {@code turbojpeg} is the system's library, {@code leptonica} comes with this one and needs native
     * access, {@code jdk} is always there.
     *
     * @return names, the fastest first
     */
    public static List<String> codecs() {
        return Codecs.available();
    }

    /**
     * What this makes.
     *
     * @return the settings
     */
    public ThumbnailSettings settings() {
        return settings;
    }

    /** As {@link #make(byte[])}. */
    @Override
    public Thumbnails apply(byte[] image) throws ImageException {
        return make(image);
    }

    /**
     * Makes thumbnails of a file.
     *
     * @param file an image
     * @return a thumbnail for each size
     * @throws ImageException when none can be made; the message begins with the file's name
     * @throws IOException when the file cannot be read
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
     * @param image the contents of a file; not changed
     * @return a thumbnail for each size
     * @throws ImageException when none can be made
     */
    public Thumbnails make(byte[] image) throws ImageException {
        ImageHeader header = ImageHeader.read(image);
        header.ensureAtMost(settings.maxPixels());
        String damage = Integrity.damageOf(image, header);
        ensureWhole(header, damage);
        ImageKind kind = settings.format().kindFor(header.kind());
        Codec encoder = Codecs.writing(kind, settings.codec());
        Codec decoder = Codecs.reading(header.kind(), settings.codec());
        Map<Geometry, Bitmap> pictures = new HashMap<>();
        List<Geometry> wanted = settings.sizes().stream()
                .map(size -> Geometry.of(header, settings.fit(), size))
                .toList();
        Clock clock = new Clock();
        try (Decoded decoded = decoder.decode(image, header, reduction(wanted))) {
            damage = damage == null ? decoded.damage() : damage;
            ensureWhole(header, damage);
            resize(decoded, header, wanted, pictures, clock);
            Optional<ColorProfile> profile =
                    decoded.isConverted() ? Optional.empty() : ColorProfile.of(image, header.kind());
            pictures.replaceAll((geometry, picture) -> {
                Bitmap converted = profile.map(found -> found.toStandard(picture)).orElse(picture);
                Bitmap upright = converted.upright(header.orientation());
                return kind == ImageKind.JPEG ? upright.opaque() : upright;
            });
        }
        clock.resizing += clock.lap();
        List<Thumbnail> all = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            Bitmap picture = pictures.get(wanted.get(i));
            byte[] bytes = encoder.encode(picture, kind, settings.quality());
            all.add(new Thumbnail(settings.sizes().get(i), kind, picture.width(), picture.height(), bytes));
        }
        clock.encoding += clock.lap();
        return new Thumbnails(
                header,
                all,
                settings.onCorrupt() == OnCorrupt.WARN ? damage : null,
                decoder.name(),
                Duration.ofNanos(clock.decoding),
                Duration.ofNanos(clock.resizing),
                Duration.ofNanos(clock.encoding));
    }

    private void ensureWhole(ImageHeader header, @Nullable String damage) throws ImageException {
        if (damage != null && settings.onCorrupt() == OnCorrupt.FAIL) {
            throw new ImageException(header + ", " + damage);
        }
    }

    private static int reduction(List<Geometry> wanted) {
        return wanted.stream().mapToInt(Geometry::reduction).min().orElse(1);
    }

    /** From the largest to the smallest; each is made of the one before where that is twice as large and shows the same part. */
    private static void resize(
            Decoded decoded, ImageHeader header, List<Geometry> wanted, Map<Geometry, Bitmap> pictures, Clock clock) {
        List<Geometry> ordered = wanted.stream()
                .distinct()
                .sorted(Comparator.comparing((Geometry geometry) -> (long) geometry.width() * geometry.height())
                        .reversed())
                .toList();
        Geometry reducedFor = null;
        BoxReduction reduction = null;
        Bitmap reduced = null;
        Bitmap last = null;
        for (Geometry geometry : ordered) {
            if (reducedFor == null || !reducedFor.hasSamePart(geometry)) {
                reducedFor = geometry;
                reduction = new BoxReduction(decoded, header, geometry);
                reduced = reduction.reduce();
                last = null;
                clock.decoding += clock.lap();
            }
            boolean chained = last != null && last.width() >= 2 * geometry.width() && last.height() >= 2 * geometry.height();
            last = chained
                    ? Lanczos.resize(last, last.width(), last.height(), geometry.width(), geometry.height())
                    : Lanczos.resize(
                            reduced, reduction.extentWidth(), reduction.extentHeight(), geometry.width(), geometry.height());
            pictures.put(geometry, last);
            clock.resizing += clock.lap();
        }
    }

    /** What went where, in nanoseconds. For one thread. */
    private static final class Clock {
        private long last = System.nanoTime();
        private long decoding;
        private long resizing;
        private long encoding;

        long lap() {
            long before = last;
            last = System.nanoTime();
            return last - before;
        }
    }

    @Override
    public String toString() {
        return "ThumbnailMaker " + settings + ", codecs " + codecs();
    }
}
