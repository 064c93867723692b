package dev.sennit.queue.memory;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The last events, while somebody wants them. Guarded by the lock of the store. */
final class Events {
    private final ArrayDeque<BrokerEvent> ring = new ArrayDeque<>();
    private long number;
    private long until = Long.MIN_VALUE;

    void keepUntil(long time) {
        until = Math.max(until, time);
    }

    /** Drops what nobody has asked for. */
    void tidy(long now) {
        if (now >= until) {
            ring.clear();
        }
    }

    void add(BrokerEvent.Kind kind, Entry entry, @Nullable String worker, String detail, long now) {
        if (now >= until) {
            return;
        }
        if (ring.size() == Broker.EVENTS) {
            ring.removeFirst();
        }
        ring.add(new BrokerEvent(++number, Instant.ofEpochMilli(now), kind, entry.id(), entry.task.type(),
                entry.task.queue(), worker, detail));
    }

    List<BrokerEvent> after(long last, int most) {
        return ring.stream().filter(event -> event.number() > last).limit(most).toList();
    }
}
