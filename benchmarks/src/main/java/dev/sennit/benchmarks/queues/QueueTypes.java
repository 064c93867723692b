package dev.sennit.benchmarks.queues;

import dev.sennit.queue.TaskType;

/** What the workers run. */
final class QueueTypes {
    static final String NAME = "a task that does nothing";

    static final TaskType<Item, Done> NOOP =
            TaskType.of("bench.noop", Item.class, item -> new Done(item.number(), item.name()));

    /** When it began: {@link System#nanoTime} is one clock for all processes of the machine on Linux. */
    static final TaskType<Item, Long> STAMP = TaskType.of("bench.stamp", Item.class, item -> System.nanoTime());

    /** Waits for so many milliseconds, as for another program. */
    static final TaskType<Integer, Boolean> NAP = TaskType.of("bench.nap", Integer.class, millis -> {
        Thread.sleep(millis);
        return true;
    });

    private QueueTypes() {}

    /** An argument. */
    record Item(int number, String name) {}

    /** A result. */
    record Done(int number, String name) {}

    static Item item(int number) {
        return new Item(number, NAME);
    }
}
