package dev.sennit.examples.synchronizers;

import dev.sennit.JoinableQueue;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.QueueClosedException;
import java.util.concurrent.atomic.LongAdder;

/** Workers take jobs from a queue; the producer waits until all are done, then closes it, and the workers go home. */
public final class QueueOfJobs {
    private QueueOfJobs() {}

    public static void main(String[] arguments) throws Exception {
        var jobs = JoinableQueue.<Integer>fifo(10);
        var sum = new LongAdder();
        try (Pool pool = Pools.open("threads:3")) {
            for (int i = 0; i < 3; i++) {
                pool.submit(() -> {
                    try {
                        while (true) {
                            sum.add(jobs.take());
                            jobs.taskDone();
                        }
                    } catch (QueueClosedException e) {
                        return "no more jobs";
                    }
                });
            }
            for (int job = 1; job <= 100; job++) {
                jobs.put(job);
            }
            jobs.join();
            System.out.println("all done: " + sum);
            jobs.shutdown();
        }
    }
}
