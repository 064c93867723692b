package dev.sennit.faults.queue;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A worker in a process of its own, with a small heap. It ends when its input does, and says what it has done. */
final class LimitsWorkerMain {
    static final TaskType<Integer, Integer> COUNT = TaskType.of("limits.count", Integer.class, number -> number);
    /** Fails if it begins before the time, in milliseconds, that is its argument. */
    static final TaskType<Long, Boolean> LATER = TaskType.of("limits.later", Long.class, due -> {
        if (System.currentTimeMillis() < due) {
            throw new IllegalStateException("begun " + (due - System.currentTimeMillis()) + " ms too early");
        }
        return true;
    });
    static final TaskType<String, Integer> LENGTH = TaskType.of("limits.length", String.class, String::length);
    /** Fails until there is a file. */
    static final TaskType<String, Integer> WANTS_FILE = TaskType.of("limits.wantsFile", String.class, file -> {
        if (!Files.exists(Path.of(file))) {
            throw new IllegalStateException("there is no file");
        }
        return 1;
    });
    static final TaskType<Integer[], Integer> SUM = TaskType.of("limits.sum", Integer[].class, numbers -> {
        int sum = 0;
        for (int number : numbers) {
            sum += number;
        }
        return sum;
    });
    static final TaskType<Integer, Integer> POISON = TaskType.of("limits.poison", Integer.class, number -> {
        Runtime.getRuntime().halt(3);
        return number;
    });

    private LimitsWorkerMain() {}

    /** Arguments: the broker, the plan, the queues. */
    public static void main(String[] arguments) throws Exception {
        try (Broker broker = Broker.open(arguments[0])) {
            QueueWorker worker = QueueWorker.builder(broker).types(COUNT, LATER, LENGTH, WANTS_FILE, SUM, POISON)
                    .providers(null).on(arguments[1]).queues(arguments[2]).drainLimit(Duration.ofSeconds(20)).start();
            while (System.in.read() >= 0) {
                // nobody writes
            }
            worker.close();
            QueueWorker.Status end = worker.status();
            System.out.println("ended " + end.succeeded() + " " + end.failed() + " " + end.crashed());
        }
    }
}
