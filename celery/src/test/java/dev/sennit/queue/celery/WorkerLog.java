package dev.sennit.queue.celery;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The log of workers. */
final class WorkerLog extends Handler implements AutoCloseable {
    private final Logger logger = Logger.getLogger("dev.sennit.queue.worker.Worker");
    final Queue<String> lines = new ConcurrentLinkedQueue<>();

    WorkerLog() {
        logger.addHandler(this);
    }

    @Override
    public void publish(LogRecord line) {
        lines.add(line.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
    }
}
