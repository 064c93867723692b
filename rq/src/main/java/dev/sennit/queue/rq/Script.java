package dev.sennit.queue.rq;

import dev.sennit.queue.redis.foreign.ServerScript;
import java.util.Locale;

/** The scripts, each of which is one step. Their texts stand in files of this package, behind {@code common.lua}. */
enum Script {
    /** Takes jobs. */
    CLAIM,
    /** Ends runs. */
    END,
    /** Renews leases. */
    EXTEND,
    /** Enqueues jobs. */
    ENQUEUE,
    /** Returns how jobs have ended. */
    ENDED,
    /** Notes that a job is to stop. */
    STOP,
    /** Finds what was lost. */
    UPKEEP,
    /** Ends jobs that wait. */
    WAITING;

    private final ServerScript text = ServerScript.of(Script.class, "common", name().toLowerCase(Locale.ROOT));

    ServerScript text() {
        return text;
    }
}
