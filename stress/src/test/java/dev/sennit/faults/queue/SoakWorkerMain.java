package dev.sennit.faults.queue;

import dev.sennit.TimeSource;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;

/**
 * A worker in a process of its own, which is killed sooner or later. It says "works", writes its counts into a file
 * again and again, and ends when its input does.
 */
final class SoakWorkerMain {
    /** The address of the broker: in the environment, as it may have a password. */
    static final String BROKER = "SENNIT_SOAK_BROKER";

    private SoakWorkerMain() {}

    /** By a clock that is wrong. */
    private record WrongClock(Duration off) implements TimeSource {
        @Override
        public long nanoTime() {
            return System.nanoTime() + off.toNanos();
        }

        @Override
        public Instant now() {
            return Instant.now().plus(off);
        }

        @Override
        public void sleep(Duration time) throws InterruptedException {
            TimeSource.system().sleep(time);
        }
    }

    /** Arguments: the plan, the lease in milliseconds, by how many seconds the clock is wrong. */
    public static void main(String[] arguments) throws Exception {
        Path status = Path.of(System.getenv(SoakTasks.FOLDER), "status", ProcessHandle.current().pid() + ".txt");
        QueueWorker worker = start(arguments);
        System.out.println("works");
        Thread.ofPlatform().daemon().start(() -> {
            while (true) {
                try {
                    write(worker, status);
                    Thread.sleep(100);
                } catch (InterruptedException | IOException e) {
                    System.out.println("no status any more: " + e);
                    return;
                }
            }
        });
        while (System.in.read() >= 0) {
            // nobody writes
        }
        worker.close();
        write(worker, status);
    }

    /** The broker may be away when a worker starts: that is tried again, as whoever starts workers would. */
    private static QueueWorker start(String[] arguments) throws InterruptedException {
        while (true) {
            Broker broker = null;
            try {
                broker = Broker.open(System.getenv(BROKER));
                return QueueWorker.builder(broker).types(SoakTasks.WORK, SoakTasks.SUM).providers(null)
                        .on(arguments[0]).lease(Duration.ofMillis(Long.parseLong(arguments[1])))
                        .time(new WrongClock(Duration.ofSeconds(Long.parseLong(arguments[2]))))
                        .drainLimit(Duration.ofSeconds(20)).start();
            } catch (BrokerException e) {
                System.out.println(e.getMessage());
                if (broker != null) {
                    broker.close();
                }
                Thread.sleep(200);
            }
        }
    }

    /** One at a time: at the end both threads write the same file. */
    private static synchronized void write(QueueWorker worker, Path file) throws IOException {
        QueueWorker.Status now = worker.status();
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(fresh, now.succeeded() + " " + now.failed() + " " + now.crashed() + " " + now.refused());
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
