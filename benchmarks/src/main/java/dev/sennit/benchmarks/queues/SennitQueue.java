package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Samples;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFilter;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
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
        long start = System.nanoTime();
        put(QueueTypes.NOOP, QueueTypes::item, count, batch, held);
        double seconds = (System.nanoTime() - start) / 1e9;
        int removed = remove();
        if (removed != count) {
            throw new IllegalStateException(queue + " had " + removed + " of the " + count + " tasks");
        }
        return seconds;
    }

    /** Removes the tasks that nobody takes; a broker that cannot has them taken. */
    private int remove() {
        Broker broker = queue.broker();
        if (broker.features().contains(BrokerFeature.SEARCH)) {
            return broker.purge(TaskFilter.ALL.queue(HELD));
        }
        var request = new ClaimRequest("remover", List.of(HELD), Set.of(QueueTypes.NOOP.name()), 500,
                Duration.ofMinutes(1));
        int removed = 0;
        for (List<Claim> claims = broker.claim(request).claims(); !claims.isEmpty();
                claims = broker.claim(request).claims()) {
            broker.complete(claims.stream()
                    .map(claim -> new Completion(claim.token(), claim.task().payload(), Batch.EMPTY)).toList());
            removed += claims.size();
        }
        return removed;
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
