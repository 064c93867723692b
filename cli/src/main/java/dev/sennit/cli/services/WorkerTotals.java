package dev.sennit.cli.services;

import dev.sennit.service.SlotStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sums over all processes that a worker has had: the figures of a process begin at 0 again when it is replaced, and a
 * sum never falls while the worker is there.
 *
 * <p>What a process did between the last look and its end is not counted, nor is a process that started and ended
 * between two looks. A worker that is not there at a look is forgotten, as its manager forgets its restarts.
 *
 * <p>One thread at a time may use it.
 */
final class WorkerTotals {
    private record Worker(String service, int id) {}

    private record Process(long pid, Optional<Instant> started) {}

    private static final class Sums {
        Process process = new Process(0, Optional.empty());
        // of processes before
        long workBefore;
        Duration cpuBefore = Duration.ZERO;
        // of the process above, at the last look
        long work;
        Duration cpu = Duration.ZERO;

        /** Whether the system has told a processor time at all. */
        boolean tellsCpu;

        void look(SlotStatus status, @Nullable ProcessUsage usage) {
            Process now = new Process(status.pid(), status.started());
            if (now.pid() != 0 && !now.equals(process)) {
                process = now;
                workBefore += work;
                work = 0;
                cpuBefore = cpuBefore.plus(cpu);
                cpu = Duration.ZERO;
            }
            work = Math.max(work, status.work());
            if (usage != null) {
                tellsCpu = true;
                // A process below may end in the middle of the look, which misses it then: that is no fall.
                cpu = usage.cpu().compareTo(cpu) > 0 ? usage.cpu() : cpu;
            }
        }
    }

    private final Map<Worker, Sums> all = new HashMap<>();

    /**
     * Adds what is new.
     *
     * @param usage by process id
     */
    void look(List<SlotStatus> workers, Map<Long, ProcessUsage> usage) {
        Set<Worker> there = new HashSet<>();
        for (SlotStatus status : workers) {
            var worker = new Worker(status.service(), status.id());
            there.add(worker);
            all.computeIfAbsent(worker, _ -> new Sums()).look(status, usage.get(status.pid()));
        }
        all.keySet().retainAll(there);
    }

    /** Returns the pieces of work of a worker that was there at the last look. */
    long work(SlotStatus worker) {
        Sums sums = sums(worker);
        return sums.workBefore + sums.work;
    }

    /** Returns the processor time of a worker that was there at the last look; empty if nothing is known of it. */
    Optional<Duration> cpu(SlotStatus worker) {
        Sums sums = sums(worker);
        return sums.tellsCpu ? Optional.of(sums.cpuBefore.plus(sums.cpu)) : Optional.empty();
    }

    private Sums sums(SlotStatus worker) {
        Sums sums = all.get(new Worker(worker.service(), worker.id()));
        if (sums == null) {
            throw new IllegalArgumentException(
                    "worker " + worker.service() + "(" + worker.id() + ") was not there at the last look");
        }
        return sums;
    }
}
