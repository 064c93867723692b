package dev.sennit.images;

import java.nio.file.Path;
import java.util.List;

/**
 * A source whose thumbnails were written.
 *
 * @param source the source
 * @param files the written files, in the order of the sizes, without existing ones that were kept
 * @param thumbnails the thumbnails
 * @param bytesIn how many bytes were read
 * @param bytesOut how many were written
 */
public record Made(Source source, List<Path> files, Thumbnails thumbnails, long bytesIn, long bytesOut) {
    /** Copies the list. */
    public Made {
        files = List.copyOf(files);
    }
}
