package dev.sennit.examples.queues;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Tasks in RabbitMQ: alone it hands them out, and refuses what it cannot do; with a store it does all. Wants the
 * program {@code rabbitmq-server}, and {@code sennit-rabbitmq} on the class path.
 */
public final class TasksInRabbitmq {
    private static final TaskType<String, Integer> LENGTH = TaskType.of("text.length", String.class, String::length);

    private TasksInRabbitmq() {}

    private static void run(String address) {
        try (TaskQueue queue = TaskQueue.open(address);
                QueueWorker _ = QueueWorker.builder(queue.broker()).types(LENGTH).on("threads:2").start()) {
            System.out.println("now: " + queue.submit(LENGTH, "rabbit").join());
            SubmitOptions later = SubmitOptions.NONE.delay(Duration.ofMillis(100)).priority(9);
            System.out.println("later: " + queue.submit(LENGTH, "a store", later).join());
        } catch (UnsupportedOperationException e) {
            System.out.println(String.valueOf(e.getMessage()).replaceFirst(".* has no", "no"));
        }
    }

    /**
     * Runs it.
     *
     * @param arguments none
     * @throws IOException if there is no such server
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path jobs = Files.createTempDirectory("tasks-in-rabbitmq").resolve("jobs.db");
        try (TestServer server = TestServer.rabbitmq().open()) {
            String alone = server.uri().toString().replaceFirst("amqp", "rabbitmq");
            run(alone);
            run(alone + "?store=sqlite:" + jobs);
        }
    }
}
