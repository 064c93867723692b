package dev.sennit;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The limits and the task options of a stage of a {@link Pipeline}.
 *
 * {@snippet :
 * try (Pool downloads = Pools.open("virtual")) {
 *     var politely = TaskOptions.timeLimit(java.time.Duration.ofSeconds(30)).retry(Retry.attempts(3));
 *     Pipeline.from(java.util.List.of("a", "b"))
 *             .through("download", downloads, name -> name + ".jpg", stage -> stage.atMost(4).ahead(16).task(politely))
 *             .run(System.out::println);
 * }
 * }
 *
 * @param atMost how many items may be in the stage at once; null for as many as the pool has workers, and {@value
 *     #MANY} where the pool has no limit. May be more than the pool has workers: further items wait in the pool, which
 *     saves short tasks on processes the round trip between two items
 * @param ahead how many items may wait before the stage; null for as many as may be in it
 * @param task name and limits of each run; without a name it is the stage's
 */
public record StageOptions(@Nullable Integer atMost, @Nullable Integer ahead, TaskOptions task) {
    /** How many items may be in a stage at once whose pool has no limit. */
    public static final int MANY = 1024;

    static final StageOptions NONE = new StageOptions(null, null, TaskOptions.NONE);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if a number is too small
     */
    public StageOptions {
        if (atMost != null && atMost < 1) {
            throw new IllegalArgumentException("atMost must be >= 1, was " + atMost);
        }
        if (ahead != null && ahead < 0) {
            throw new IllegalArgumentException("ahead must be >= 0, was " + ahead);
        }
        Objects.requireNonNull(task, "task");
    }

    /**
     * Returns these options with another limit on the items in the stage at once: items that run, or have run and find
     * no room before the next stage.
     *
     * @param items 1 or more
     * @return the options
     * @throws IllegalArgumentException if it is less than 1
     */
    public StageOptions atMost(int items) {
        return new StageOptions(Integer.valueOf(items), ahead, task);
    }

    /**
     * Returns these options with another limit on the items that wait before the stage. With 0 an item moves here only
     * when it can run.
     *
     * @param items 0 or more
     * @return the options
     * @throws IllegalArgumentException if it is less than 0
     */
    public StageOptions ahead(int items) {
        return new StageOptions(atMost, Integer.valueOf(items), task);
    }

    /**
     * Returns these options with other task options for each run: a time limit, a retry, a name.
     *
     * @param newTask the options of a task
     * @return the options
     */
    public StageOptions task(TaskOptions newTask) {
        return new StageOptions(atMost, ahead, newTask);
    }
}
