package dev.sennit.queue.celery;

import dev.sennit.queue.redis.foreign.ServerScript;
import java.util.Locale;

/** A script that Redis runs in one step. Its text stands in a file of this package, behind that of {@code common}. */
enum Script {
    /** Takes tasks. */
    CLAIM,
    /** Ends runs. */
    END,
    /** Renews leases. */
    EXTEND,
    /** Enqueues tasks. */
    ENQUEUE,
    /** Finds what was lost. */
    UPKEEP,
    /** Notes that a part of a chord has ended whose tasks are not in Redis. */
    PART,
    /** Stores a result of a task that is not in Redis. */
    STORE,
    /** Finds a task that is to be cancelled. */
    CANCEL,
    /** Notes that a task is to stop. */
    STOP;

    private final ServerScript text = ServerScript.of(Script.class, "common", name().toLowerCase(Locale.ROOT));

    ServerScript text() {
        return text;
    }
}
