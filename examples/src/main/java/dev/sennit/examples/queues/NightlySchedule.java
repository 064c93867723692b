package dev.sennit.examples.queues;

import dev.sennit.queue.Beat;
import dev.sennit.queue.QueueDrain;
import dev.sennit.queue.QueueSchedules;
import dev.sennit.queue.Recurrence;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Objects;

/** Runs the nights around the change of the clocks, in no time: a task at half past two is run once in each of them. */
public final class NightlySchedule {
    private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");
    private static final TaskType<String, Integer> CLEAN =
            TaskType.of("files.clean", String.class, (folder, run) -> {
                Instant due = Instant.parse(run.headers().get(QueueSchedules.DUE));
                System.out.println("clean " + folder + " at " + due.atZone(VIENNA).toLocalDateTime());
                return 0;
            });

    private NightlySchedule() {}

    public static void main(String[] arguments) {
        VirtualClock clock = VirtualClock.standing(Instant.parse("2026-03-27T12:00:00Z"));
        try (MemoryBroker broker = new MemoryBroker(clock);
                TaskQueue queue = TaskQueue.over(broker);
                Beat beat = Beat.builder(broker).time(clock).open()) {
            QueueSchedules schedules = QueueSchedules.of(queue.broker());
            schedules.put("nightly", Recurrence.cron("30 2 * * *", VIENNA), CLEAN, "/tmp");
            for (int hour = 0; hour < 72; hour++) {
                clock.advance(Duration.ofHours(1));
                beat.step();
                QueueDrain.run(broker, clock, CLEAN);
            }
            Instant next = Objects.requireNonNull(schedules.list().getFirst().nextDue());
            System.out.println("next: " + next.atZone(VIENNA));
        }
    }
}
