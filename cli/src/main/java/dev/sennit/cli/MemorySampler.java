package dev.sennit.cli;

import java.util.Collection;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** Looks at the resident memory of this process and others every now and then, in a thread of its own. */
final class MemorySampler implements AutoCloseable {
    private static final long MILLIS_BETWEEN = 20;

    private final AtomicLong peak = new AtomicLong();
    private final Thread thread;

    MemorySampler(Collection<Long> others) {
        Set<Long> pids = Set.copyOf(others);
        thread = Thread.ofPlatform().daemon().name("sennit-memory").start(() -> sample(pids));
    }

    private void sample(Set<Long> pids) {
        try {
            while (true) {
                look(pids);
                Thread.sleep(MILLIS_BETWEEN);
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    private void look(Collection<Long> pids) {
        peak.accumulateAndGet(ProcessFigures.residentBytes(pids), Math::max);
    }

    /** The largest so far, after one more look at the processes that are there now. */
    long peak(Collection<Long> now) {
        look(now);
        return peak.get();
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
