package dev.sennit.images;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The thumbnails of an image.
 *
 * @param source the header of the image
 * @param all a thumbnail for each size, in the order of the settings
 * @param damage the damage of the image, with {@link ThumbnailSettings.OnCorrupt#WARN}; otherwise null
 * @param codec the codec that decoded the image
 * @param decoding how long decoding took, with a first reduction
 * @param resizing how long resizing, turning and colour conversion took
 * @param encoding how long encoding the thumbnails took
 */
public record Thumbnails(
        ImageHeader source,
        List<Thumbnail> all,
        @Nullable String damage,
        String codec,
        Duration decoding,
        Duration resizing,
        Duration encoding)
        implements Serializable {
    /** Copies the list. */
    public Thumbnails {
        all = List.copyOf(all);
    }
}
