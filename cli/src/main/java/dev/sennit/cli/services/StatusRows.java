package dev.sennit.cli.services;

import dev.sennit.service.ListenerStatus;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceStatus;
import dev.sennit.service.SlotStatus;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Sends what a manager knows of itself, its services, their workers and its listeners, a row each. */
final class StatusRows {
    private final ControlServer.Answer answer;

    StatusRows(ControlServer.Answer answer) {
        this.answer = answer;
    }

    void send(ServicesFile file, ServiceManager manager, boolean isStopping, ServiceLog log, long upNanos)
            throws IOException {
        answer.row(
                "manager",
                file.name(),
                Long.toString(ProcessHandle.current().pid()),
                file.path().toString(),
                isStopping ? "stopping" : manager.isUp() ? "up" : "not up",
                seconds(Duration.ofNanos(upNanos)),
                Long.toString(log.dropped()));
        for (ServiceStatus one : manager.services()) {
            answer.row(
                    "service",
                    one.name(),
                    Integer.toString(one.wanted()),
                    Integer.toString(one.ready()),
                    Long.toString(one.generation()),
                    Boolean.toString(one.isReloading()),
                    Boolean.toString(one.isUp()),
                    one.obstacle());
        }
        Instant now = Instant.now();
        List<SlotStatus> workers = manager.status();
        Map<Long, ProcessUsage> usages = ProcessUsage.ofTrees(
                workers.stream().map(SlotStatus::pid).filter(pid -> pid != 0).toList());
        for (SlotStatus one : workers) {
            Optional<ProcessUsage> usage = Optional.ofNullable(usages.get(one.pid()));
            answer.row(
                    "worker",
                    one.service(),
                    Integer.toString(one.id()),
                    one.state().name(),
                    Long.toString(one.pid()),
                    one.started().map(start -> seconds(Duration.between(start, now))).orElse(""),
                    Long.toString(one.restarts()),
                    Long.toString(one.replacements()),
                    Long.toString(one.work()),
                    usage.map(of -> seconds(of.cpu())).orElse(""),
                    usage.map(ProcessUsage::residentBytes)
                            .filter(OptionalLong::isPresent)
                            .map(bytes -> Long.toString(bytes.getAsLong()))
                            .orElse(""),
                    one.heartbeatAge().map(StatusRows::seconds).orElse(""),
                    Long.toString(one.generation()),
                    one.since().toString(),
                    one.why(),
                    one.lastEnd(),
                    Boolean.toString(one.isReplacing()));
        }
        for (ListenerStatus one : manager.listeners()) {
            answer.row("listener", one.name(), text(one.address()), Boolean.toString(one.isShared()));
        }
    }

    private static String text(SocketAddress address) {
        return address instanceof InetSocketAddress tcp && !tcp.isUnresolved()
                ? new ListenerAddress.Tcp(tcp.getAddress().getHostAddress().replace("%0", ""), tcp.getPort()).toString()
                : address.toString();
    }

    private static String seconds(Duration time) {
        return Double.toString(time.toMillis() / 1e3);
    }
}
