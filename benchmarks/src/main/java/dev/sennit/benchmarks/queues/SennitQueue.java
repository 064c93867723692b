package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Samples;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/** Sennit's queue on a broker, with a worker on its usual pool: threads, one for each processor. */
final class SennitQueue implements QueueSystem {
    static final String KIND = "sennit";

    private static final String HELD = "held";
    private static final int BATCH = 1_000;

    private final SubmitOptions options;
    private final TaskQueue queue;
    private final JavaWorker worker;

    SennitQueue(String address) throws IOException {
        this(address, "threads", QueuedTask.USUAL_QUEUE);
    }

    /** With a worker on such a pool, which takes from that queue alone. */
    SennitQueue(String address, String plan, String served) throws IOException {
        options = SubmitOptions.NONE.queue(served);
        queue = TaskQueue.open(address);
        try {
            worker = new JavaWorker(KIND, address, "1", plan, served);
        } catch (IOException | RuntimeException e) {
            queue.close();
            throw e;
        }
    }

    @Override
    public double runAll(int count) throws IOException {
        long before = worker.ended();
        long start = System.nanoTime();
        put(QueueTypes.NOOP, QueueTypes::item, count, BATCH, options);
        return (worker.awaitEnded(before + count) - start) / 1e9;
    }

    /** Enqueues tasks that sleep, and waits until the worker has ended all of them; returns the seconds. */
    double runNaps(int count, int millis) throws IOException {
        long before = worker.ended();
        long start = System.nanoTime();
        put(QueueTypes.NAP, _ -> millis, count, BATCH, options);
        return (worker.awaitEnded(before + count) - start) / 1e9;
    }

    @Override
    public double enqueue(int count, int batch) {
        SubmitOptions held = SubmitOptions.NONE.queue(HELD);
        long before = held();
        long start = System.nanoTime();
        put(QueueTypes.NOOP, QueueTypes::item, count, batch, held);
        double seconds = (System.nanoTime() - start) / 1e9;
        // some brokers cannot remove them: nobody takes them
        long there = queue.broker().features().contains(BrokerFeature.SEARCH)
                ? queue.broker().purge(TaskFilter.ALL.queue(HELD))
                : held() - before;
        if (there != count) {
            throw new IllegalStateException(queue + " had " + there + " of the " + count + " tasks");
        }
        return seconds;
    }

    private long held() {
        return queue.broker().counts().stream().filter(counts -> counts.queue().equals(HELD))
                .mapToLong(counts -> counts.count(TaskState.READY)).sum();
    }

    private <A> void put(TaskType<A, ?> type, IntFunction<A> argument, int count, int batch, SubmitOptions how) {
        for (int from = 0; from < count; from += batch) {
            if (batch == 1) {
                queue.enqueue(type, argument.apply(from), how);
                continue;
            }
            List<A> arguments = new ArrayList<>();
            for (int i = from; i < Math.min(count, from + batch); i++) {
                arguments.add(argument.apply(i));
            }
            queue.enqueueAll(type, arguments, how);
        }
    }

    @Override
    public boolean isPushed() {
        return true;
    }

    @Override
    public double[] latency(int count, long pauseMillis) throws Exception {
        double[] begins = new double[count];
        double[] results = new double[count];
        for (int i = 0; i < count; i++) {
            Thread.sleep(pauseMillis);
            long start = System.nanoTime();
            long begun = queue.submit(QueueTypes.STAMP, QueueTypes.item(i)).get();
            results[i] = (System.nanoTime() - start) / 1e9;
            begins[i] = (begun - start) / 1e9;
        }
        var begin = new Samples(begins);
        var result = new Samples(results);
        return new double[] {
            begin.percentile(50), begin.percentile(99), result.percentile(50), result.percentile(99)
        };
    }

    @Override
    public double processorSeconds() {
        return worker.processorSeconds();
    }

    @Override
    public long memory(boolean isSharedOnce) throws IOException {
        return worker.memory(isSharedOnce);
    }

    @Override
    public void close() {
        worker.close();
        queue.close();
    }
}
