package dev.sennit.images;

import dev.sennit.images.internal.web.WebUri;
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
    /** The wait that the server has asked for; null if it has not. */
    private final @Nullable Duration retryAfter;

    private DownloadException(
            URI uri, String what, boolean passing, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        super(WebUri.text(uri) + ": " + what, cause);
        this.uri = uri;
        this.what = what;
        this.passing = passing;
        this.retryAfter = retryAfter;
    }

    /** Returns a failure that another attempt would repeat. */
    static DownloadException lasting(URI uri, String what, @Nullable Throwable cause) {
        return new DownloadException(uri, what, false, null, cause);
    }

    /** Returns a failure that the next attempt may not have. */
    static DownloadException passing(
            URI uri, String what, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        return new DownloadException(uri, what, true, retryAfter, cause);
    }

    /** Returns this failure with the number of attempts that had it. */
    DownloadException after(int attempts) {
        var last = new DownloadException(uri, what + " (" + attempts + " attempts)", true, retryAfter, getCause());
        for (Throwable earlier : getSuppressed()) {
            last.addSuppressed(earlier);
        }
        return last;
    }

    /**
     * Returns the requested address.
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
