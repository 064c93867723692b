package dev.sennit.queue.memory;

import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.ScheduleEntry;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The schedules by name. Guarded by the lock of the store. */
final class Schedules {
    private final Map<String, ScheduleEntry> entries = new TreeMap<>();

    /** Adds a schedule, or changes one that is as before; what was fired last stays. */
    boolean put(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        ScheduleEntry old = entries.get(entry.name());
        boolean isAsBefore = old == null || before == null
                ? old == before
                : old.paused() == before.paused() && Objects.equals(old.nextDue(), before.nextDue());
        if (isAsBefore) {
            entries.put(entry.name(),
                    old == null ? entry : fired(entry, entry.nextDue(), old.lastDue(), old.lastTask()));
        }
        return isAsBefore;
    }

    boolean remove(String name) {
        return entries.remove(name) != null;
    }

    List<ScheduleEntry> all() {
        return List.copyOf(entries.values());
    }

    /** Returns the entry, if it is as the scheduler has read it. */
    @Nullable ScheduleEntry due(Firing firing) {
        ScheduleEntry entry = entries.get(firing.schedule());
        return entry == null || entry.paused() || !firing.due().equals(entry.nextDue()) ? null : entry;
    }

    void fired(ScheduleEntry entry, Firing firing, @Nullable String task) {
        Instant lastDue = task == null ? entry.lastDue() : firing.due();
        String lastTask = task == null ? entry.lastTask() : task;
        entries.put(entry.name(), fired(entry, firing.nextDue(), lastDue, lastTask));
    }

    private static ScheduleEntry fired(
            ScheduleEntry entry, @Nullable Instant next, @Nullable Instant lastDue, @Nullable String lastTask) {
        return new ScheduleEntry(entry.name(), entry.when(), entry.zone(), entry.template(), entry.missed(),
                entry.overlap(), entry.paused(), next, lastDue, lastTask);
    }
}
