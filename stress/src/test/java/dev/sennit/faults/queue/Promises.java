package dev.sennit.faults.queue;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/**
 * The promises of a broker to a soak, beyond that it loses nothing.
 *
 * @param kinds the tasks that it takes besides plain ones and such that die; it has to refuse all others
 * @param isExact whether it takes an id once, and refuses the end of a run that another worker has taken over. A
 *     broker that cannot may run a task twice after an answer that was lost, and may take a late end: RabbitMQ hands
 *     messages out and takes them back, and knows none of them. So it is not asserted there that late ends are refused,
 *     and a run that was lost with its process need not begin again if the same task has come to its end elsewhere
 * @param takeOver how long others may need until they have what a worker had that stands still
 * @param young for how long that which is new on the server may not outlive the server's kill
 */
record Promises(Set<Kind> kinds, boolean isExact, Duration takeOver, Duration young) {
    /** What a task needs of a broker. */
    enum Kind {
        PRIORITY,
        DELAY,
        /** A pause between a failure and the next attempt. */
        PAUSE,
        KEY,
        UNIQUE,
        /** A task that gets the results of others. */
        CHORD
    }

    /** The broker can do everything. */
    static final Promises ALL = new Promises(EnumSet.allOf(Kind.class), true, Duration.ofSeconds(4), Duration.ZERO);

    static Promises exactly(Kind... kinds) {
        return new Promises(Set.of(kinds), true, ALL.takeOver, ALL.young);
    }

    /** Leases are deliveries, which the server takes back when a connection has been silent for two heartbeats. */
    static Promises deliveries(Duration heartbeat, Duration young, Kind... kinds) {
        return new Promises(Set.of(kinds), false, heartbeat.multipliedBy(4), young);
    }
}
