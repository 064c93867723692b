package dev.sennit.faults.queue;

import dev.sennit.faults.queue.Promises.Kind;
import dev.sennit.faults.queue.SoakTasks.Work;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Tasks that are enqueued at once, of the kinds that a broker takes, and what is to become of them. */
final class SoakBatch {
    private static final int KEYS = 6;
    private static final int UNIQUE_KEYS = 12;
    /** So often no task fails that is to come to its end. */
    private static final int FAILS_FOR_EVER = 1_000_000;

    /**
     * The expected fate of a task.
     *
     * @param result its result, if it does not die
     * @param dies whether it fails as often as it may
     */
    record Planned(int result, boolean dies) {}

    private final Set<Kind> kinds;
    private final @Nullable String replyTo;
    private final SplittableRandom dice;
    /** Runs that were lost with their process are no failures. */
    private final RetryPolicy retry;

    private final List<QueuedTask> tasks = new ArrayList<>();
    private final List<Join> joins = new ArrayList<>();
    private final Map<String, Planned> plans = new HashMap<>();
    private final Map<String, String> rows = new HashMap<>();
    private final Map<String, List<String>> chords = new HashMap<>();

    SoakBatch(Set<Kind> kinds, @Nullable String replyTo, SplittableRandom dice) {
        this.kinds = kinds;
        this.replyTo = replyTo;
        this.dice = dice;
        retry = RetryPolicy.attempts(20).waiting(pause(20)).crashes(100_000);
    }

    private Duration pause(int millis) {
        return kinds.contains(Kind.PAUSE) ? Duration.ofMillis(millis) : Duration.ZERO;
    }

    int size() {
        return tasks.size();
    }

    Batch batch() {
        return new Batch(tasks, joins);
    }

    List<QueuedTask> tasks() {
        return tasks;
    }

    Planned plan(String id) {
        return plans.get(id);
    }

    /** Returns what a task must not overlap with, or null. */
    @Nullable String row(String id) {
        return rows.get(id);
    }

    /** Returns the ids of the parts of chords by those of their bodies. */
    Map<String, List<String>> chords() {
        return chords;
    }

    // ---- tasks ----

    /** Adds a task, or those of a chord, as the dice say. */
    void addAny(int number) {
        switch (dice.nextInt(10)) {
            case 0 -> add(new Work(number, 50 + dice.nextInt(200), 0), options());
            case 1 -> addIfTaken(Kind.DELAY, number);
            case 2, 3 -> addIfTaken(Kind.KEY, number);
            case 4 -> addIfTaken(Kind.UNIQUE, number);
            case 5 -> addFailing(number, 1 + dice.nextInt(3));
            case 6 -> {
                if (dice.nextInt(4) == 0) {
                    addDying(number);
                } else {
                    addIfTaken(Kind.CHORD, number);
                }
            }
            default -> addPlain(number);
        }
    }

    private void addIfTaken(Kind kind, int number) {
        if (kinds.contains(kind)) {
            add(kind, number);
        } else {
            addPlain(number);
        }
    }

    void addPlain(int number) {
        add(new Work(number, dice.nextInt(3), 0), options());
    }

    /** Adds a task, or those of a chord, for which the broker needs an ability, whether it has it or not. */
    void add(Kind kind, int number) {
        var work = new Work(number, dice.nextInt(3), 0);
        SubmitOptions options = options();
        switch (kind) {
            case PRIORITY -> add(work, options.priority(3 + dice.nextInt(2)));
            case DELAY -> add(work, options.delay(Duration.ofMillis(100 + dice.nextInt(1400))));
            case PAUSE -> add(work, options.retry(retry.waiting(Duration.ofMillis(20))));
            case KEY -> {
                String row = "key " + dice.nextInt(KEYS);
                QueuedTask task = add(new Work(number, dice.nextInt(10), dice.nextInt(5) == 0 ? 1 : 0),
                        options.key(row, 1).priority(QueuedTask.USUAL_PRIORITY));
                rows.put(task.id(), row);
            }
            case UNIQUE -> {
                String row = "unique " + dice.nextInt(UNIQUE_KEYS);
                rows.put(add(new Work(number, dice.nextInt(40), 0), options.unique(row)).id(), row);
            }
            case CHORD -> addChord(number, 2 + dice.nextInt(6));
        }
    }

    private void addFailing(int number, int times) {
        add(new Work(number, 0, times), options());
    }

    /** Adds a task that fails as often as it may. */
    void addDying(int number) {
        add(new Work(number, 0, FAILS_FOR_EVER),
                options().retry(RetryPolicy.attempts(2).waiting(pause(10)).crashes(100_000)));
    }

    private void addChord(int number, int parts) {
        String join = QueuedTask.newId();
        joins.add(new Join(join, parts, List.of()));
        List<String> ids = new ArrayList<>();
        int sum = 0;
        SubmitOptions options = SubmitOptions.NONE.retry(retry);
        for (int i = 0; i < parts; i++) {
            var work = new Work(number + i, dice.nextInt(5), dice.nextInt(6) == 0 ? 1 : 0);
            QueuedTask part = SoakTasks.WORK.task(work, options).replyTo(replyTo).part(new PartOf(join, i)).build();
            add(part, new Planned(number + i, false));
            ids.add(part.id());
            sum += number + i;
        }
        QueuedTask body = SoakTasks.SUM.task(new Integer[0], options).replyTo(replyTo).after(join).build();
        add(body, new Planned(sum, false));
        chords.put(body.id(), ids);
    }

    private SubmitOptions options() {
        SubmitOptions options = SubmitOptions.NONE.retry(retry);
        return kinds.contains(Kind.PRIORITY) ? options.priority(3 + dice.nextInt(4)) : options;
    }

    private QueuedTask add(Work work, SubmitOptions options) {
        QueuedTask task = SoakTasks.WORK.task(work, options).replyTo(replyTo).build();
        add(task, new Planned(work.number(), work.failures() == FAILS_FOR_EVER));
        return task;
    }

    private void add(QueuedTask task, Planned plan) {
        tasks.add(task);
        plans.put(task.id(), plan);
    }
}
