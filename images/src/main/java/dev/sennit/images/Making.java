package dev.sennit.images;

import dev.sennit.images.ThumbnailSettings.OnCorrupt;
import dev.sennit.images.internal.codec.Bitmap;
import dev.sennit.images.internal.codec.Decoded;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One call of {@link ThumbnailMaker}. For one thread. */
final class Making {
    private final ThumbnailSettings settings;
    private final byte[] image;
    private final ImageHeader header;
    /** The picture for each geometry; sizes with the same geometry share it. */
    private final Map<Geometry, Bitmap> pictures = new HashMap<>();

    private @Nullable String damage;
    private long lastLap = System.nanoTime();
    private long decoding;
    private long resizing;

    /**
     * Reads the header.
     *
     * @throws ImageException if no decoder should see the image
     */
    Making(ThumbnailSettings settings, byte[] image) throws ImageException {
        this.settings = settings;
        this.image = image;
        header = ImageHeader.read(image);
        header.ensureAtMost(settings.maxPixels());
        found(Integrity.damageOf(image, header));
    }

    Thumbnails make() throws ImageException {
        ImageKind kind = settings.format().kindFor(header.kind());
        Codec encoder = Codecs.writing(kind, settings.codec()); // before the work, as there may be none
        Codec decoder = Codecs.reading(header.kind(), settings.codec());
        List<Geometry> wanted = settings.sizes().stream()
                .map(size -> Geometry.of(header, settings.fit(), size))
                .toList();
        int reduction = wanted.stream().mapToInt(Geometry::reduction).min().orElse(1);
        try (Decoded decoded = decoder.decode(image, header, reduction)) {
            found(decoded.damage());
            resize(decoded, wanted);
            Optional<ColorProfile> profile =
                    decoded.isConverted() ? Optional.empty() : ColorProfile.of(image, header.kind());
            pictures.replaceAll((geometry, picture) -> finished(picture, profile, kind));
        }
        resizing += lap();
        List<Thumbnail> all = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            Bitmap picture = Objects.requireNonNull(pictures.get(wanted.get(i)));
            byte[] bytes = encoder.encode(picture, kind, settings.quality());
            all.add(new Thumbnail(settings.sizes().get(i), kind, picture.width(), picture.height(), bytes));
        }
        return new Thumbnails(
                header,
                all,
                settings.onCorrupt() == OnCorrupt.WARN ? damage : null,
                decoder.name(),
                Duration.ofNanos(decoding),
                Duration.ofNanos(resizing),
                Duration.ofNanos(lap()));
    }

    private void found(@Nullable String problem) throws ImageException {
        if (problem != null && settings.onCorrupt() == OnCorrupt.FAIL) {
            throw new ImageException(header + ", " + problem);
        }
        damage = damage == null ? problem : damage;
    }

    /**
     * Makes the pictures from the largest to the smallest; each is made from the one before if that is twice as large
     * and shows the same part.
     */
    private void resize(Decoded decoded, List<Geometry> wanted) {
        List<Geometry> ordered = wanted.stream()
                .distinct()
                .sorted(Comparator.comparingLong(Geometry::pixels).reversed())
                .toList();
        int next = 0;
        while (next < ordered.size()) {
            Geometry first = ordered.get(next);
            BoxReduction reduction = new BoxReduction(decoded, header, first);
            Bitmap reduced = reduction.reduce();
            decoding += lap();
            Bitmap last = null;
            for (; next < ordered.size() && ordered.get(next).hasSamePart(first); next++) {
                Geometry geometry = ordered.get(next);
                last = last != null && geometry.isHalfOf(last)
                        ? Lanczos.resize(last, last.width(), last.height(), geometry.width(), geometry.height())
                        : Lanczos.resize(
                                reduced,
                                reduction.extentWidth(),
                                reduction.extentHeight(),
                                geometry.width(),
                                geometry.height());
                pictures.put(geometry, last);
            }
            resizing += lap();
        }
    }

    private Bitmap finished(Bitmap picture, Optional<ColorProfile> profile, ImageKind kind) {
        Bitmap converted = profile.map(found -> found.toStandard(picture)).orElse(picture);
        Bitmap upright = converted.upright(header.orientation());
        return kind == ImageKind.JPEG ? upright.opaque() : upright;
    }

    /** Returns the nanoseconds since the last call. */
    private long lap() {
        long before = lastLap;
        lastLap = System.nanoTime();
        return lastLap - before;
    }
}
