package dev.sennit.queue;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.ScheduleEntry.Missed;
import dev.sennit.queue.broker.ScheduleEntry.Overlap;
import dev.sennit.queue.broker.TaskJson;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that are enqueued again and again. The broker keeps the schedules; a {@link Beat}, in this program or another
 * one, fires them.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 * import java.time.ZoneId;
 *
 * TaskType<String, Integer> clean = TaskType.named("files.clean", String.class, Integer.class);
 * try (TaskQueue queue = TaskQueue.open("memory:files"); Beat beat = Beat.start(queue.broker())) {
 *     QueueSchedules schedules = QueueSchedules.of(queue.broker());
 *     schedules.put("nightly", Recurrence.cron("0 3 * * *", ZoneId.of("Europe/Vienna")), clean, "/tmp");
 *     schedules.runNow("nightly");
 *     schedules.pause("nightly");
 * }
 * }
 *
 * <p>All changes can be made while tasks and beats run; beats notice them within a second. So does
 * {@link #put} when a program starts: a schedule that is there with the same recurrence keeps its rhythm, also if it
 * has another task now, and stays paused if it is.
 *
 * <p>The task of a schedule has the headers {@value #SCHEDULE} and {@value #DUE}.
 */
public final class QueueSchedules {
    /** The header with the name of the schedule. */
    public static final String SCHEDULE = "sennit-schedule";
    /** The header with the due time, such as {@code 2026-01-02T02:00:00Z}; {@link #runNow} sets none. */
    public static final String DUE = "sennit-due";

    private static final int LONGEST_NAME = 150;

    private final Broker broker;

    private QueueSchedules(Broker broker) {
        this.broker = Objects.requireNonNull(broker, "broker");
    }

    /**
     * Returns the schedules of a broker.
     *
     * @param broker the broker
     * @return its schedules
     */
    public static QueueSchedules of(Broker broker) {
        return new QueueSchedules(broker);
    }

    /**
     * Adds a schedule, or changes the one of its name. Due times that are missed are made up for by one task; a due
     * time at which the task before has not ended is skipped.
     *
     * @param name the name
     * @param recurrence when it is due; of {@link Recurrence#every}, the first time one period from now
     * @param type the type of its task
     * @param argument the argument of its task
     * @param <A> the type of the argument
     * @return the schedule
     * @throws IllegalArgumentException if the name is blank, or longer than 150 characters
     * @throws TaskDataException if the argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <A extends @Nullable Object> ScheduleEntry put(
            String name, Recurrence recurrence, TaskType<A, ?> type, A argument) {
        return put(name, recurrence, type, argument, SubmitOptions.NONE, Missed.ONCE, Overlap.SKIP);
    }

    /**
     * Adds a schedule, or changes the one of its name.
     *
     * @param name the name
     * @param recurrence when it is due; of {@link Recurrence#every}, the first time one period from now
     * @param type the type of its task
     * @param argument the argument of its task
     * @param options how its task is to be run; a delay or a time to expire counts from the moment of firing
     * @param missed what becomes of due times at which no beat was there, see {@link Beat}
     * @param overlap what happens at a due time if the task before has not ended
     * @param <A> the type of the argument
     * @return the schedule
     * @throws IllegalArgumentException if the name is blank, or longer than 150 characters
     * @throws TaskDataException if the argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <A extends @Nullable Object> ScheduleEntry put(String name, Recurrence recurrence, TaskType<A, ?> type,
            A argument, SubmitOptions options, Missed missed, Overlap overlap) {
        if (name.isBlank() || name.length() > LONGEST_NAME) {
            throw new IllegalArgumentException(
                    "the name of a schedule must have 1 to " + LONGEST_NAME + " characters, had " + name.length());
        }
        QueuedTask template = type.task(argument, options).build();
        while (true) { // until no other change comes between, and each of those is a success of somebody
            Instant now = broker.now().truncatedTo(ChronoUnit.MILLIS);
            ScheduleEntry before = find(name).orElse(null);
            boolean keepsRhythm = before != null && before.when().equals(recurrence.toString())
                    && before.zone().equals(recurrence.zone().getId());
            if (before != null && keepsRhythm && before.missed() == missed && before.overlap() == overlap
                    && isSame(before.template(), template)) {
                return before;
            }
            var entry = new ScheduleEntry(name, recurrence.toString(), recurrence.zone().getId(),
                    template, missed, overlap, before != null && before.paused(),
                    keepsRhythm ? Objects.requireNonNull(before).nextDue() : recurrence.next(now),
                    before == null ? null : before.lastDue(), before == null ? null : before.lastTask());
            if (broker.putSchedule(entry, before)) {
                return entry;
            }
        }
    }

    /** Returns whether two templates differ in their ids only, which are of no account. */
    private static boolean isSame(QueuedTask one, QueuedTask other) {
        QueuedTask twin = other.toBuilder().id(one.id()).root(one.root()).build();
        return Arrays.equals(TaskJson.write(one), TaskJson.write(twin))
                && Arrays.equals(one.payload(), twin.payload());
    }

    /**
     * Has a schedule fire no more until it is resumed. Tasks that it has fired go on.
     *
     * @param name its name
     * @throws IllegalArgumentException if there is none of that name
     */
    public void pause(String name) {
        change(name, entry -> with(entry, true, entry.nextDue()));
    }

    /**
     * Ends a pause. Due times of the pause are skipped; the rhythm is kept.
     *
     * @param name its name
     * @throws IllegalArgumentException if there is none of that name
     */
    public void resume(String name) {
        change(name, entry -> {
            Instant due = entry.nextDue();
            if (entry.paused() && due != null) {
                due = Recurrence.parse(entry.when(), entry.zone()).after(due, broker.now());
            }
            return with(entry, false, due);
        });
    }

    /** Changes a schedule, anew if another change comes between. */
    private void change(String name, UnaryOperator<ScheduleEntry> change) {
        ScheduleEntry before;
        do {
            before = existing(name);
        } while (!broker.putSchedule(change.apply(before), before));
    }

    private static ScheduleEntry with(ScheduleEntry entry, boolean paused, @Nullable Instant nextDue) {
        return new ScheduleEntry(entry.name(), entry.when(), entry.zone(), entry.template(), entry.missed(),
                entry.overlap(), paused, nextDue, entry.lastDue(), entry.lastTask());
    }

    /**
     * Enqueues the task of a schedule at once, also if the schedule is paused or the task before has not ended. Its due
     * times stay as they are.
     *
     * @param name its name
     * @return the id of the task; if there is another one with its unique key, the id of that one
     * @throws IllegalArgumentException if there is none of that name
     */
    public String runNow(String name) {
        QueuedTask task = task(existing(name), QueuedTask.newId(), Map.of());
        return broker.enqueue(Batch.of(task)).getFirst().id();
    }

    /**
     * Removes a schedule. Tasks that it has fired go on.
     *
     * @param name its name
     * @return whether there was one
     */
    public boolean remove(String name) {
        return broker.removeSchedule(name);
    }

    /**
     * Returns all schedules, by name, with when they are due next.
     *
     * @return the schedules
     */
    public List<ScheduleEntry> list() {
        return broker.schedules();
    }

    /**
     * Looks up a schedule.
     *
     * @param name its name
     * @return the schedule, if there is one
     */
    public Optional<ScheduleEntry> find(String name) {
        return broker.schedules().stream().filter(each -> each.name().equals(name)).findFirst();
    }

    private ScheduleEntry existing(String name) {
        List<ScheduleEntry> all = broker.schedules();
        return all.stream().filter(each -> each.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no schedule " + name + ": "
                        + (all.isEmpty()
                                ? "there are none"
                                : "there are "
                                        + all.stream().map(ScheduleEntry::name).limit(20)
                                                .collect(Collectors.joining(", ")))));
    }

    /** Returns a task that a schedule enqueues. */
    static QueuedTask task(ScheduleEntry entry, String id, Map<String, String> headers) {
        Map<String, String> all = new HashMap<>(entry.template().headers());
        all.put(SCHEDULE, entry.name());
        all.putAll(headers);
        return entry.template().toBuilder().id(id).root(id).headers(all).build();
    }

    @Override
    public String toString() {
        return "schedules of " + broker.name();
    }
}
