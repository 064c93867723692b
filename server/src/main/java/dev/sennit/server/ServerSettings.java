package dev.sennit.server;

import dev.sennit.Plan;
import java.io.Serializable;
import java.time.Duration;
import java.util.Objects;

/**
 * The limits of a server, for each worker. {@link #DEFAULTS} are right for production; docs/guides/serving.md says why.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 *
 * ServerSettings settings = ServerSettings.DEFAULTS.on("threads:16").bodySize(100 << 20);
 * }
 *
 * @param on the threads of handlers: {@code virtual:N}, a virtual thread for each request; {@code threads:N}, a pool of
 *     platform threads; or {@code loop:N}, coroutines that run in turns on one thread. N requests at a time, by default
 *     256 with {@code virtual} and {@code loop}
 * @param queue how many more requests wait for their turn; any further one is answered with 503
 * @param connections how many connections a worker has; it accepts no more until one is closed
 * @param headerSize the most bytes of the head of a request; a larger one is answered with 431
 * @param bodySize the most bytes of the body of a request; a larger one is answered with 413
 * @param headerLimit the longest that a head may take from its first byte; then the connection is closed
 * @param stallLimit the longest that a client may send nothing of a body, or take nothing of a response; then the
 *     connection is closed
 * @param keepAlive how long a connection without a request stays open
 * @param deadline the longest from the head of a request to the end of its response, the time in the queue included.
 *     Then the request is answered with 503, or its connection is closed if the response has begun, and the thread of
 *     the handler is interrupted
 * @param heedLimit how long a handler may go on after it was interrupted at its deadline; then the worker is replaced
 * @param lastRequest how long a connection without a request stays open when the worker stops: a request that comes
 *     until then is answered, with {@code Connection: close}
 * @param retryAfter what {@code Retry-After} says in responses with 503, in whole seconds
 * @param bodyRate the fewest bytes of a body that a client has to send in a second, on average, while its handler waits
 *     for them; then the request is answered with 408. 0 is no limit
 * @param bodyGrace how long a handler waits for a body before {@code bodyRate} counts
 */
public record ServerSettings(
        String on,
        int queue,
        int connections,
        int headerSize,
        long bodySize,
        Duration headerLimit,
        Duration stallLimit,
        Duration keepAlive,
        Duration deadline,
        Duration heedLimit,
        Duration lastRequest,
        Duration retryAfter,
        int bodyRate,
        Duration bodyGrace)
        implements Serializable {
    private static final int MOST_AT_ONCE = 256;
    private static final int LEAST_HEADER = 256;
    private static final int MOST_HEADER = 1 << 20;
    private static final Duration LONGEST = Duration.ofDays(1);

    /** The settings for production. */
    public static final ServerSettings DEFAULTS = new ServerSettings(
            "virtual:" + MOST_AT_ONCE,
            1_000,
            4_000,
            8 << 10,
            10 << 20,
            Duration.ofSeconds(10),
            Duration.ofSeconds(15),
            Duration.ofSeconds(75),
            Duration.ofSeconds(20),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            Duration.ofSeconds(1),
            500,
            Duration.ofSeconds(5));

    /** Checks the settings. */
    public ServerSettings {
        on = ensureOn(on);
        ensureRange("queue", queue, 0, 1_000_000);
        ensureRange("connections", connections, 1, 1_000_000);
        ensureRange("headerSize", headerSize, LEAST_HEADER, MOST_HEADER);
        ensureRange("bodySize", bodySize, 0, Long.MAX_VALUE);
        ensureTime("headerLimit", headerLimit);
        ensureTime("stallLimit", stallLimit);
        ensureTime("keepAlive", keepAlive);
        ensureTime("deadline", deadline);
        ensureTime("heedLimit", heedLimit);
        ensureTime("lastRequest", lastRequest);
        ensureTime("retryAfter", retryAfter);
        ensureRange("bodyRate", bodyRate, 0, 1 << 30);
        ensureTime("bodyGrace", bodyGrace);
    }

    private static String ensureOn(String text) {
        Plan plan = Plan.parse(text);
        boolean isLight = plan.kind().equals("virtual") || plan.kind().equals("loop");
        if (!plan.options().isEmpty() || !isLight && !plan.kind().equals("threads")) {
            throw new IllegalArgumentException(
                    "on must be virtual[:N], threads:N or loop[:N], was \"" + text + "\"");
        }
        String number = plan.argument();
        if (number == null && isLight) {
            return text + ":" + MOST_AT_ONCE;
        }
        if (number == null || !number.matches("[1-9][0-9]{0,5}")) {
            throw new IllegalArgumentException("on must have a number from 1 to 999999, was \"" + text + "\"");
        }
        return text;
    }

    private static void ensureRange(String name, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    name + " must be " + (most == Long.MAX_VALUE ? ">= " + least : "from " + least + " to " + most)
                            + ", was " + value);
        }
    }

    private static void ensureTime(String name, Duration value) {
        Objects.requireNonNull(value, name);
        if (!value.isPositive() || value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + " must be more than 0 and at most a day, was " + value);
        }
    }

    /** Returns a time in Jetty's unit; at least 1, as 0 is no limit. */
    static long millis(Duration time) {
        return Math.max(1, time.toMillis());
    }

    /** How many requests run at a time. */
    int atOnce() {
        return Integer.parseInt(on.substring(on.indexOf(':') + 1));
    }

    /**
     * Returns these settings with another on.
     *
     * @param newOn what handlers run on
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings on(String newOn) {
        return new ServerSettings(
                newOn, queue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another queue.
     *
     * @param newQueue how many requests wait
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings queue(int newQueue) {
        return new ServerSettings(
                on, newQueue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another connections.
     *
     * @param newConnections how many connections a worker has
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings connections(int newConnections) {
        return new ServerSettings(
                on, queue, newConnections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another headerSize.
     *
     * @param newHeaderSize the most bytes of a head
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings headerSize(int newHeaderSize) {
        return new ServerSettings(
                on, queue, connections, newHeaderSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another bodySize.
     *
     * @param newBodySize the most bytes of a body
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings bodySize(long newBodySize) {
        return new ServerSettings(
                on, queue, connections, headerSize, newBodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another headerLimit.
     *
     * @param newHeaderLimit the longest that a head may take
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings headerLimit(Duration newHeaderLimit) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, newHeaderLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another stallLimit.
     *
     * @param newStallLimit the longest that a client may stall
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings stallLimit(Duration newStallLimit) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, newStallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another keepAlive.
     *
     * @param newKeepAlive how long a connection without a request stays open
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings keepAlive(Duration newKeepAlive) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, stallLimit, newKeepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another deadline.
     *
     * @param newDeadline the longest that a request may take
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings deadline(Duration newDeadline) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                newDeadline, heedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another heedLimit.
     *
     * @param newHeedLimit how long an interrupted handler may go on
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings heedLimit(Duration newHeedLimit) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, newHeedLimit, lastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another lastRequest.
     *
     * @param newLastRequest how long a connection without a request stays open at a stop
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings lastRequest(Duration newLastRequest) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, newLastRequest, retryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another retryAfter.
     *
     * @param newRetryAfter what Retry-After says
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings retryAfter(Duration newRetryAfter) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, newRetryAfter, bodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another bodyRate.
     *
     * @param newBodyRate the fewest bytes of a body in a second; 0 for no limit
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings bodyRate(int newBodyRate) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, newBodyRate, bodyGrace);
    }

    /**
     * Returns these settings with another bodyGrace.
     *
     * @param newBodyGrace how long bodyRate does not count
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public ServerSettings bodyGrace(Duration newBodyGrace) {
        return new ServerSettings(
                on, queue, connections, headerSize, bodySize, headerLimit, stallLimit, keepAlive,
                deadline, heedLimit, lastRequest, retryAfter, bodyRate, newBodyGrace);
    }
}
