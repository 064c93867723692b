package dev.sennit.images.internal.web;

import dev.sennit.Backoff;
import dev.sennit.TimeSource;
import java.time.Duration;

/** The limits of a {@code Downloader}; its builder explains them. */
public record Limits(
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
