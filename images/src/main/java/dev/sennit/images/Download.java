package dev.sennit.images;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Downloader} has fetched.
 *
 * @param body the bytes, or the file that holds them
 * @param uri where they came from in the end, after all redirects
 * @param contentType what the server says they are, if it says so: a claim, not a fact
 * @param bytesIn how many bytes of bodies arrived, those of attempts that broke off included
 * @param attempts how many were made
 * @param time how long it took, without waiting for its turn
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
