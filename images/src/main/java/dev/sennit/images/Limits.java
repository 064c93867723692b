package dev.sennit.images;

import dev.sennit.Backoff;
import dev.sennit.TimeSource;
import java.time.Duration;

/** The limits of a {@link Downloader}; {@link Downloader.Builder} explains them. */
record Limits(
        Duration deadline,
        Duration answerTimeout,
        long minRate,
        Duration rateWindow,
        int attempts,
        Duration longestWait,
        int redirects,
        boolean allowDowngrade,
        boolean allowPrivate,
        long maxBytes,
        Backoff backoff,
        TimeSource time,
        boolean pinning) {}
