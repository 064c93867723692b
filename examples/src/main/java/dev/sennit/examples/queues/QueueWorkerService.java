package dev.sennit.examples.queues;

import dev.sennit.TaskFuture;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.service.Service;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.ServiceWorker;
import dev.sennit.service.SlotStatus;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * Queue workers as a service: the manager replaces one that dies, and one whose tasks make no progress, as it gives no
 * heartbeat then. The tasks of the one that dies run again when its leases are over.
 */
public final class QueueWorkerService implements Service {
    @Serial
    private static final long serialVersionUID = 1;

    private static final TaskType<Integer, Integer> SQUARE =
            TaskType.of("numbers.square", Integer.class, number -> number * number);

    @Override
    public void run(ServiceWorker me) throws InterruptedException {
        try (Broker broker = Broker.open(me.value("broker", String.class));
                QueueWorker worker = QueueWorker.builder(broker).types(SQUARE).lease(Duration.ofSeconds(1))
                        .silenceLimit(Duration.ofMinutes(1)).drainLimit(Duration.ofSeconds(10)).start()) {
            long told = 0;
            do {
                QueueWorker.Status status = worker.status();
                if (status.isHealthy()) {
                    me.heartbeat();
                }
                me.worked(status.succeeded() - told);
                told = status.succeeded();
            } while (!me.awaitStop(Duration.ofMillis(500)));
        } // lets the runs come to their ends
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("queue-worker-service");
        String jobs = "sqlite:" + folder.resolve("jobs.db");
        try (ServiceManager manager = ServiceManager.create("numbers");
                TaskQueue queue = TaskQueue.open(jobs)) {
            manager.add(ServiceSettings.of("squares", new QueueWorkerService()).workers(2).heap("64m")
                    .jvmOptions("--enable-native-access=ALL-UNNAMED").stopLimit(Duration.ofSeconds(20))
                    .value("broker", jobs).build());
            manager.start();
            manager.whenUp().get(1, TimeUnit.MINUTES);
            System.out.println("sum of squares: " + sumOfSquares(queue));

            SlotStatus victim = manager.status().getFirst();
            ProcessHandle.of(victim.pid()).orElseThrow().destroyForcibly();
            System.out.println("with one killed: " + sumOfSquares(queue));
        } finally {
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private static int sumOfSquares(TaskQueue queue) {
        List<TaskFuture<Integer>> squares =
                IntStream.rangeClosed(1, 100).mapToObj(number -> queue.submit(SQUARE, number)).toList();
        return squares.stream().mapToInt(TaskFuture::join).sum();
    }
}
