package dev.sennit.images;

import java.nio.file.Path;
import java.util.List;

/**
 * A source whose thumbnails are written.
 *
 * @param source which
 * @param files where they are, in the order of the sizes, without those that were there and stay
 * @param thumbnails what was made
 * @param bytesIn how many bytes came in
 * @param bytesOut how many were written
 */
public record Made(Source source, List<Path> files, Thumbnails thumbnails, long bytesIn, long bytesOut) {
    /** Copies the list. */
    public Made {
        files = List.copyOf(files);
    }
}
