package dev.sennit.queue.rq;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** A worker in a process of its own, which tests kill. Its argument is the address of the broker. */
final class WorkerMain {
    private static final long WORK_NANOS = 50_000_000;

    private WorkerMain() {}

    public static void main(String[] arguments) throws Exception {
        Thread.ofPlatform().daemon().start(() -> { // it does not outlive the test
            try {
                System.in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException e) {
                // the test has ended
            }
            Runtime.getRuntime().halt(1);
        });
        try (RqBroker broker = RqBroker.open(arguments[0]);
                QueueWorker worker = QueueWorker.builder(broker).on("threads:4").lease(Duration.ofSeconds(2))
                        .types(TaskType.of("java.echo", Object.class, value -> {
                            LockSupport.parkNanos(WORK_NANOS);
                            return value;
                        }), TaskType.ofList("java.total", Integer.class,
                                all -> all.stream().mapToInt(n -> n).sum()))
                        .start()) {
            System.out.println("ready");
            worker.awaitEnd();
        }
    }
}
