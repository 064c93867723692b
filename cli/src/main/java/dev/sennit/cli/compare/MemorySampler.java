package dev.sennit.cli.compare;

import dev.sennit.cli.command.ProcessFigures;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** Samples the resident memory of this process and others periodically, in a thread of its own. */
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

    /** Returns the largest sample so far, after one more sample of the processes that run now. */
    long peak(Collection<Long> now) {
        look(now);
        return peak.get();
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
