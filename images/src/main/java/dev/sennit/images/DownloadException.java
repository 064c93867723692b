package dev.sennit.images;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Thrown by a {@link Downloader}: one line with the address, what went wrong, and what to do. */
public final class DownloadException extends IOException {
    private static final long serialVersionUID = 1L;

    private final URI uri;
    private final String what;
    private final boolean passing;
    /** How long the server wants to be left alone; null if it did not say. */
    private final @Nullable Duration retryAfter;

    private DownloadException(
            URI uri, String what, boolean passing, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        super(WebUri.text(uri) + ": " + what, cause);
        this.uri = uri;
        this.what = what;
        this.passing = passing;
        this.retryAfter = retryAfter;
    }

    /** A failure that another attempt would meet again. */
    static DownloadException lasting(URI uri, String what, @Nullable Throwable cause) {
        return new DownloadException(uri, what, false, null, cause);
    }

    /** A failure that may be over by the next attempt. */
    static DownloadException passing(
            URI uri, String what, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        return new DownloadException(uri, what, true, retryAfter, cause);
    }

    /** The same, when it was met so many times. */
    DownloadException after(int attempts) {
        var last = new DownloadException(uri, what + " (" + attempts + " attempts)", true, retryAfter, getCause());
        for (Throwable earlier : getSuppressed()) {
            last.addSuppressed(earlier);
        }
        return last;
    }

    /**
     * What was asked for.
     *
     * @return the address that the downloader was given
     */
    public URI uri() {
        return uri;
    }

    boolean isPassing() {
        return passing;
    }

    @Nullable Duration retryAfter() {
        return retryAfter;
    }
}
