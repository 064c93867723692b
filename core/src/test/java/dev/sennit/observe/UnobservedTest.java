package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.internal.view.TaskObserver;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A task that nobody looks at allocates nothing for those who may look: bytes are counted, of the thread that submits
 * and of the one that runs. That the count would see them is shown by an open stream, for which a run has an object.
 */
@Timeout(120)
class UnobservedTest {
    private static final int TASKS = 1_000;
    /** Of which the one counts in which nothing else was allocated, as for code that is being compiled. */
    private static final int ROUNDS = 30;

    private static final Task<Integer> TASK = () -> 1;
    private static final TaskOptions NAMED = TaskOptions.named("named");

    /** Asks the bean of com.sun.management, which is in a module that this one does not read. */
    private static long allocatedBy(long thread) throws JMException {
        return (long) ManagementFactory.getPlatformMBeanServer().invoke(
                new ObjectName(ManagementFactory.THREAD_MXBEAN_NAME), "getThreadAllocatedBytes",
                new Object[] {thread}, new String[] {"long"});
    }

    /** Bytes a task, of two threads. */
    private record Bytes(double submitter, double worker) {
        static Bytes leastOf(Pool pool, long worker) throws Exception {
            long submitter = Thread.currentThread().threadId();
            double leastOfSubmitter = Double.MAX_VALUE;
            double leastOfWorker = Double.MAX_VALUE;
            for (int i = 0; i < ROUNDS; i++) {
                long submitterBefore = allocatedBy(submitter);
                long workerBefore = allocatedBy(worker);
                runAll(pool);
                leastOfSubmitter = Math.min(
                        leastOfSubmitter,
                        (double) (allocatedBy(submitter) - submitterBefore) / TASKS);
                leastOfWorker = Math.min(
                        leastOfWorker, (double) (allocatedBy(worker) - workerBefore) / TASKS);
            }
            return new Bytes(leastOfSubmitter, leastOfWorker);
        }

        /** The worker begins when all are submitted, so that neither waits for the other in between. */
        private static void runAll(Pool pool) throws ExecutionException, InterruptedException {
            List<TaskFuture<Integer>> futures = new ArrayList<>(TASKS);
            var submitted = new CountDownLatch(1);
            if (!pool.name().startsWith("inline")) {
                pool.submit(() -> {
                    submitted.await();
                    return 0;
                });
            }
            for (int i = 0; i < TASKS; i++) {
                futures.add(i % 2 == 0 ? pool.submit(TASK) : pool.submit(TASK, NAMED));
            }
            submitted.countDown();
            futures.getLast().get();
        }
    }

    /** The worker's part of a task takes no memory at all, but for the little that waiting for the next one does. */
    @Test
    void aWorkerAllocatesNothingForATaskThatNobodyLooksAt() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            long worker = pool.submit(() -> Thread.currentThread().threadId()).get();
            assertThat(TaskObserver.Current.get()).isNull();
            Bytes before = Bytes.leastOf(pool, worker);
            Bytes open;
            try (TaskEvents events = TaskEvents.open()) {
                open = Bytes.leastOf(pool, worker);
                assertThat(events.drain()).isNotEmpty();
            }
            Bytes after = Bytes.leastOf(pool, worker);
            assertThat(before.worker).isLessThan(8);
            assertThat(after.worker).isLessThan(8);
            assertThat(open.worker).isGreaterThan(16);
            assertThat(after.submitter).isLessThan(before.submitter + 8);
        }
    }

    /** What is allocated for the whole of a task is no more after a stream was open than before any was. */
    @Test
    void aTaskTakesAsLittleAsBeforeAnybodyLookedAtIt() throws Exception {
        try (Pool pool = Pools.open("inline")) {
            assertThat(TaskObserver.Current.get()).isNull();
            long thread = Thread.currentThread().threadId();
            Bytes before = Bytes.leastOf(pool, thread);
            Bytes open;
            try (TaskEvents events = TaskEvents.open()) {
                open = Bytes.leastOf(pool, thread);
                assertThat(events.drain()).isNotEmpty();
            }
            Bytes after = Bytes.leastOf(pool, thread);
            assertThat(after.submitter).isLessThan(before.submitter + 8);
            assertThat(open.submitter).isGreaterThan(after.submitter + 8);
        }
    }
}
