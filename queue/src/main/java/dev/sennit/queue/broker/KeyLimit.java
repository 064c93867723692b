package dev.sennit.queue.broker;

/**
 * Tasks of one key take turns with those of other keys of their queue, and at most some of them run at a time.
 *
 * @param key the key, within its queue: a tenant or a customer
 * @param limit how many of them may be under way at a time, 1 or more; with 1 they run in the order in which they were
 *     enqueued, and a task that waits for a retry keeps the others waiting. The broker keeps to the limit that
 *     was given last
 */
public record KeyLimit(String key, int limit) {
    /** No limit: the tasks of the key take turns with others, nothing else. */
    public static final int UNLIMITED = Integer.MAX_VALUE;

    /** Checks the values. */
    public KeyLimit {
        if (key.isBlank() || key.length() > 300) {
            throw new IllegalArgumentException("key must have 1 to 300 characters, had " + key.length());
        }
        if (limit < 1) {
            throw new IllegalArgumentException("limit of key must be >= 1, was " + limit);
        }
    }
}
