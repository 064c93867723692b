package dev.sennit.cli.services;

import dev.sennit.service.ListenerStatus;
import dev.sennit.service.ServiceStatus;
import dev.sennit.service.SlotState;
import dev.sennit.service.SlotStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A manager that says what a test wants. */
class FakeSource implements FigurePages.Source {
    volatile List<SlotStatus> workers = List.of();
    volatile Map<String, Integer> wanted = new LinkedHashMap<>();
    volatile List<ServiceStatus.Figures> figures = List.of();
    volatile List<ListenerStatus> listeners = List.of();
    volatile boolean isUp = true;
    volatile boolean isStopping;
    volatile boolean isReloading;
    volatile long droppedLines;
    volatile CompletableFuture<Void> alive = CompletableFuture.completedFuture(null);

    /** A worker whose process, if it has one, was started a minute ago. */
    static SlotStatus worker(String service, int id, SlotState state, long pid, long work) {
        Instant minuteAgo = Instant.now().minusSeconds(60);
        return new SlotStatus(
                service, id, state, minuteAgo, "because of " + state, pid, 1,
                pid == 0 ? Optional.empty() : Optional.of(minuteAgo),
                state == SlotState.READY ? Optional.of(Duration.ofMillis(250)) : Optional.empty(),
                work, 2, 3, "", false);
    }

    /** The same worker with another process. */
    static SlotStatus restarted(SlotStatus worker, long pid, long work) {
        return new SlotStatus(
                worker.service(), worker.id(), worker.state(), worker.since(), worker.why(), pid,
                worker.generation(), pid == 0 ? Optional.empty() : Optional.of(worker.since().plusSeconds(pid)),
                worker.heartbeatAge(), work, worker.restarts(), worker.replacements(), "", false);
    }

    @Override
    public List<SlotStatus> workers() {
        return workers;
    }

    @Override
    public List<ServiceStatus> services() {
        return wanted.entrySet().stream().map(one -> {
            long ready = workers.stream()
                    .filter(worker -> worker.service().equals(one.getKey()) && worker.state() == SlotState.READY)
                    .count();
            return new ServiceStatus(one.getKey(), one.getValue(), (int) ready, 1, isReloading,
                    !isReloading && ready >= one.getValue(), "");
        }).toList();
    }

    @Override
    public List<ServiceStatus.Figures> figures() {
        return figures;
    }

    @Override
    public List<ListenerStatus> listeners() {
        return listeners;
    }

    @Override
    public boolean isUp() {
        return isUp;
    }

    @Override
    public boolean isStopping() {
        return isStopping;
    }

    @Override
    public CompletableFuture<Void> whenAlive() {
        return alive;
    }

    @Override
    public long droppedLines() {
        return droppedLines;
    }
}
