package dev.sennit.queue.celery;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Keys of Redis beside those of kombu and of Celery's results. The scripts have the same. */
final class Keys {
    static final String UNACKED = "unacked";
    static final String LEASES = "sennit.celery:leases";
    static final String REVOKED = "sennit.celery:revoked";
    static final String DUE = "sennit.celery:due";
    static final String WAITING = "sennit.celery:waiting";
    static final String FAILING = "sennit.celery:failing";
    static final String QUEUES = "sennit.celery:queues";
    static final String WORKERS = "sennit.celery:workers";

    private Keys() {}

    /** The record of a task that runs, or has run. */
    static String run(String id) {
        return "sennit.celery:run:" + id;
    }

    /** Tasks of a queue that have failed for the last time, by when they are not counted any more. */
    static String failed(String queue) {
        return "sennit.celery:failed:" + queue;
    }

    /** Returns the list of a value of {@link #WAITING}. */
    static String list(byte[] waiting) {
        byte[] message = message(waiting);
        int colon = 0;
        while (waiting[colon] != ':') {
            colon++;
        }
        return new String(waiting, colon + 1, waiting.length - message.length - colon - 1, StandardCharsets.UTF_8);
    }

    /** Returns the message of a value of {@link #WAITING}. */
    static byte[] message(byte[] waiting) {
        int colon = 0;
        int length = 0;
        while (waiting[colon] != ':') {
            length = length * 10 + waiting[colon++] - '0';
        }
        return Arrays.copyOfRange(waiting, colon + 1 + length, waiting.length);
    }

    /** The end of a task whose result is not kept, for a minute. */
    static String ended(String id) {
        return "sennit.celery:ended:" + id;
    }
}
