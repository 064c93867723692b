package dev.sennit.cli.compare;

import dev.sennit.JoinableQueue;
import dev.sennit.Pool;
import dev.sennit.Task;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.programs.Primes;
import dev.sennit.process.ProcessPool;
import dev.sennit.shared.SharedQueue;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Prime checks by workers that take numbers from a job queue and put answers into a result queue, until they take a
 * poison pill.
 *
 * <p>Between processes the queues are in shared memory. Both have room for all elements, and the jobs and pills are in
 * the queue before the first worker starts: so no worker waits for another, even if one dies.
 */
final class QueuedPrimes {
    private static final Job POISON_PILL = new Job(-1, 0);
    private static final long BYTES = 1 << 16;

    /** A number to check, and its place among the others. */
    private record Job(int index, long number) implements Serializable {}

    private record Answer(int index, boolean isPrime) implements Serializable {}

    private QueuedPrimes() {}

    /**
     * Checks the numbers on all workers of a pool; if it has no limit, on a worker for each number.
     *
     * @return whether each number is prime
     * @throws CommandException naming the worker that failed
     */
    static List<@Nullable Object> run(Pool pool, List<Long> numbers) {
        int workers = pool.workers() == Integer.MAX_VALUE ? numbers.size() : pool.workers();
        boolean elsewhere = pool instanceof ProcessPool;
        BlockingQueue<Job> jobs = newQueue(elsewhere, numbers.size() + workers);
        BlockingQueue<Answer> answers = newQueue(elsewhere, numbers.size());
        for (int i = 0; i < numbers.size(); i++) {
            jobs.add(new Job(i, numbers.get(i)));
        }
        jobs.addAll(Collections.nCopies(workers, POISON_PILL));
        List<Task<?>> tasks = new ArrayList<>();
        for (int worker = 0; worker < workers; worker++) {
            tasks.add(() -> work(jobs, answers));
        }
        Candidate.runAll(pool, tasks);
        Object[] found = new Object[numbers.size()];
        answers.forEach(answer -> found[answer.index] = answer.isPrime);
        return Arrays.asList(found);
    }

    private static <E> BlockingQueue<E> newQueue(boolean elsewhere, int capacity) {
        return elsewhere ? Workload.shared(() -> SharedQueue.create(capacity, BYTES)) : JoinableQueue.fifo(capacity);
    }

    private static int work(BlockingQueue<Job> jobs, BlockingQueue<Answer> answers) throws InterruptedException {
        int done = 0;
        for (Job job = jobs.take(); !job.equals(POISON_PILL); job = jobs.take()) {
            answers.put(new Answer(job.index, Primes.isPrime(job.number)));
            done++;
        }
        return done;
    }
}
