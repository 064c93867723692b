package dev.sennit.queue.rq;

import dev.sennit.queue.redis.foreign.Server;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;

/** The clock of the server, and times of day as RQ writes them. */
final class Clock {
    private static final DateTimeFormatter FORMAT = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'");
    private static final Instant LAST = Instant.parse("9999-12-31T23:59:59Z");
    private static final long MOST_MILLIS = 250_000_000_000_000L; // some 8000 years
    /** A step back of less than this comes of the estimate, not of the clock of the server. */
    private static final long SMALL_MICROS = 1_000_000;

    private final Server server;
    /** How many microseconds the clock of the server is ahead of that of this machine. */
    private volatile long ahead;
    /** The last time that was told, in microseconds. */
    private final AtomicLong told = new AtomicLong(Long.MIN_VALUE);

    Clock(Server server) {
        this.server = server;
    }

    /** Asks the server. */
    void read() {
        Instant before = Instant.now();
        List<?> time = (List<?>) server.look(Server.call(Command.TIME));
        Instant after = Instant.now();
        long there = Long.parseLong(Server.text(time.get(0))) * 1_000_000 + Long.parseLong(Server.text(time.get(1)));
        ahead = there - (micros(before) + micros(after)) / 2;
    }

    private static long micros(Instant at) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, at);
    }

    /**
     * Returns the time. How far the server is ahead is known up to half a round trip: when a better estimate is an
     * earlier one, the time stands still until it has come so far.
     */
    Instant now() {
        long next = micros(Instant.now()) + ahead;
        return Instant.EPOCH.plus(told.accumulateAndGet(next, Clock::following), ChronoUnit.MICROS);
    }

    /** Returns the time to tell after another one. */
    static long following(long last, long next) {
        return next < last && last - next < SMALL_MICROS ? last : next;
    }

    /** Returns now as RQ writes it. */
    String stamp() {
        return stamp(now());
    }

    static String stamp(Instant at) {
        return FORMAT.format(at.atOffset(ZoneOffset.UTC));
    }

    /** Returns the time of day that RQ has written, or null if it is none. */
    static @Nullable Instant read(String text) {
        if (text.isEmpty() || !text.endsWith("Z")) {
            return null;
        }
        try {
            Instant at = LocalDateTime.parse(text.substring(0, text.length() - 1)).toInstant(ZoneOffset.UTC);
            return at.isBefore(Instant.EPOCH) || at.isAfter(LAST) ? null : at;
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** Returns milliseconds since 1970, within what scores of Redis count exactly. */
    static long millis(Instant at) {
        return at.isAfter(LAST) ? MOST_MILLIS : Math.clamp(at.toEpochMilli(), 0, MOST_MILLIS);
    }
}
