package dev.sennit.images;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was made of an image.
 *
 * @param source what the image was
 * @param all a thumbnail for each size, in the order of the settings
 * @param damage what was wrong with the image, when it was to be told and not to fail; else null
 * @param codec which codec decoded it
 * @param decoding how long it took to decode, with a first reduction
 * @param resizing how long it took to make it small, turn it and correct its colours
 * @param encoding how long it took to write the thumbnails
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
