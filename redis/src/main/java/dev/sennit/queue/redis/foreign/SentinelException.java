package dev.sennit.queue.redis.foreign;

import redis.clients.jedis.exceptions.JedisConnectionException;

/**
 * Sentinels lead to no master. The message goes on where the name of the broker ends, in one line, and shows no
 * password.
 */
public final class SentinelException extends JedisConnectionException {
    private static final long serialVersionUID = 1;

    private final boolean isRefused;

    SentinelException(boolean isRefused, String message) {
        super(message);
        this.isRefused = isRefused;
    }

    /** Returns the exception for a connection whose server takes no writes any more. */
    public static SentinelException demoted() {
        return new SentinelException(false,
                "has a master that has become a replica: a failover is under way, try again");
    }

    /** Returns whether somebody has to change something, and waiting does not help. */
    public boolean isRefused() {
        return isRefused;
    }
}
