package dev.sennit.images;

import dev.sennit.images.internal.web.WebUri;
import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The result of a {@link Downloader}.
 *
 * @param body the bytes, or the file that holds them
 * @param uri the address they came from, after all redirects
 * @param contentType the media type that the server claims, if it does
 * @param bytesIn how many bytes of bodies arrived, those of failed attempts included
 * @param attempts how many attempts were made
 * @param time how long the download took, without waiting for its turn
 * @param <T> {@code byte[]} or {@link java.nio.file.Path}
 */
public record Download<T>(
        T body, URI uri, @Nullable String contentType, long bytesIn, int attempts, Duration time) {
    @Override
    public String toString() {
        return "Download[" + WebUri.text(uri) + ", " + bytesIn + " bytes, " + attempts
                + (attempts == 1 ? " attempt]" : " attempts]");
    }
}
