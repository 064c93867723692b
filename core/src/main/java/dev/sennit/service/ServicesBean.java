package dev.sennit.service;

import dev.sennit.internal.Beans;
import dev.sennit.internal.view.OpenThings;
import dev.sennit.internal.view.ShownText;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The service managers of this JVM that have not ended, for {@link ServicesMXBean}. */
public final class ServicesBean implements ServicesMXBean {
    private static final double NANOS = 1e9;

    private static final OpenThings<ServiceManager> OPEN = new OpenThings<>();

    /** For the MBean server. */
    public ServicesBean() {}

    /** Adds a manager, and returns the handle to remove it. */
    static OpenThings.Entry<ServiceManager> opened(ServiceManager manager) {
        OpenThings.Entry<ServiceManager> entry = OPEN.add(manager);
        if (Beans.areOurs()) {
            Beans.offerWhile(NAME, ServicesBean::new, () -> !OPEN.areNone());
        }
        return entry;
    }

    @Override
    public List<ManagerNow> managers() {
        return OPEN.all().stream()
                .map(ServicesBean::now)
                .sorted(Comparator.comparing(ManagerNow::name))
                .toList();
    }

    private static ManagerNow now(ServiceManager manager) {
        Map<String, List<WorkerNow>> workers = manager.status().stream().collect(Collectors.groupingBy(
                SlotStatus::service, Collectors.mapping(one -> now(one, manager.now()), Collectors.toList())));
        List<ServiceNow> services = manager.services().stream()
                .map(one -> now(one, workers.getOrDefault(one.name(), List.of())))
                .toList();
        return new ManagerNow(manager.name(), manager.state(), manager.isUp(), services);
    }

    private static ServiceNow now(ServiceStatus seen, List<WorkerNow> workers) {
        return new ServiceNow(
                seen.name(), seen.wanted(), seen.ready(), seen.generation(), seen.isReloading(), seen.isUp(),
                shown(seen.obstacle()), workers);
    }

    private static WorkerNow now(SlotStatus seen, Instant now) {
        boolean hasProcess = seen.pid() != 0;
        return new WorkerNow(
                seen.id(), seen.state().name(), since(seen.since(), now), ShownText.of(seen.why()),
                hasProcess ? seen.pid() : null, hasProcess ? seen.generation() : null,
                seen.started().map(started -> since(started, now)).orElse(null),
                seen.heartbeatAge().map(ServicesBean::seconds).orElse(null), hasProcess ? seen.work() : null,
                seen.restarts(), seen.replacements(), shown(seen.lastEnd()), seen.isReplacing());
    }

    private static @Nullable String shown(String text) {
        return text.isEmpty() ? null : ShownText.of(text);
    }

    /** The clock may have been set back. */
    private static double since(Instant moment, Instant now) {
        return Math.max(0, seconds(Duration.between(moment, now)));
    }

    private static double seconds(Duration duration) {
        return duration.getSeconds() + duration.getNano() / NANOS;
    }
}
