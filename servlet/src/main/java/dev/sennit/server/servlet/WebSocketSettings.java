package dev.sennit.server.servlet;

import java.io.Serializable;
import java.time.Duration;
import java.util.Objects;

/**
 * The limits of the WebSockets of an application, for each worker. {@link #DEFAULTS} are right for production;
 * docs/guides/servlets.md says why.
 *
 * {@snippet :
 * import dev.sennit.server.servlet.WebSocketSettings;
 *
 * WebSocketSettings settings = WebSocketSettings.DEFAULTS.most(10_000).messageSize(1 << 20);
 * }
 *
 * @param most how many are open at a time; a request for one more is answered with 503
 * @param messageSize the most bytes of a message, unless the endpoint names another number; a longer one ends the
 *     WebSocket with the code 1009
 * @param idle how long a WebSocket may be open without a message, unless the endpoint names another time
 * @param goingAway how long a WebSocket may stay open after its worker begins to stop. It is told with the close code
 *     1001 once its endpoint handles no message, at the latest at half of that time; at the end it is cut
 * @param unsent how many messages may wait for one client that reads slowly; to send one more fails
 * @param sendLimit how long a message may wait for a client, unless the endpoint names another time; then the WebSocket
 *     is cut
 */
public record WebSocketSettings(
        int most, int messageSize, Duration idle, Duration goingAway, int unsent, Duration sendLimit)
        implements Serializable {
    private static final Duration LONGEST = Duration.ofDays(1);

    /** The settings for production. */
    public static final WebSocketSettings DEFAULTS =
            new WebSocketSettings(
                    1_000, 64 << 10, Duration.ofMinutes(5), Duration.ofSeconds(10), 100, Duration.ofSeconds(30));

    /** Checks the settings. */
    public WebSocketSettings {
        ensureRange("most", most, 0, 1_000_000);
        ensureRange("messageSize", messageSize, 1, 1 << 30);
        ensureTime("idle", idle);
        ensureTime("goingAway", goingAway);
        ensureRange("unsent", unsent, 1, 1_000_000);
        ensureTime("sendLimit", sendLimit);
    }

    private static void ensureRange(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + " must be from " + least + " to " + most + ", was " + value);
        }
    }

    private static void ensureTime(String name, Duration value) {
        Objects.requireNonNull(value, name);
        if (!value.isPositive() || value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + " must be more than 0 and at most a day, was " + value);
        }
    }

    /**
     * Returns these settings with another most.
     *
     * @param newMost how many are open at a time
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public WebSocketSettings most(int newMost) {
        return new WebSocketSettings(newMost, messageSize, idle, goingAway, unsent, sendLimit);
    }

    /**
     * Returns these settings with another messageSize.
     *
     * @param newMessageSize the most bytes of a message
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public WebSocketSettings messageSize(int newMessageSize) {
        return new WebSocketSettings(most, newMessageSize, idle, goingAway, unsent, sendLimit);
    }

    /**
     * Returns these settings with another idle.
     *
     * @param newIdle how long a WebSocket may be without a message
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public WebSocketSettings idle(Duration newIdle) {
        return new WebSocketSettings(most, messageSize, newIdle, goingAway, unsent, sendLimit);
    }

    /**
     * Returns these settings with another goingAway.
     *
     * @param newGoingAway how long a WebSocket stays open at a stop
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public WebSocketSettings goingAway(Duration newGoingAway) {
        return new WebSocketSettings(most, messageSize, idle, newGoingAway, unsent, sendLimit);
    }

    /**
     * Returns these settings with another unsent.
     *
     * @param newUnsent how many messages may wait for one client
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public WebSocketSettings unsent(int newUnsent) {
        return new WebSocketSettings(most, messageSize, idle, goingAway, newUnsent, sendLimit);
    }

    /**
     * Returns these settings with another sendLimit.
     *
     * @param newSendLimit how long a message may wait for a client
     * @return the settings
     * @throws IllegalArgumentException if it is out of range
     */
    public WebSocketSettings sendLimit(Duration newSendLimit) {
        return new WebSocketSettings(most, messageSize, idle, goingAway, unsent, newSendLimit);
    }
}
