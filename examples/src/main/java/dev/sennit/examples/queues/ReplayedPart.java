package dev.sennit.examples.queues;

import dev.sennit.queue.DeadTask;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskFailedException;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import dev.sennit.queue.WorkflowHandle;
import dev.sennit.queue.broker.TaskFilter;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/** Repairs a workflow: one part is dead, an error callback tells of it, a replay lets the rest go on. */
public final class ReplayedPart {
    private static final AtomicBoolean DISK_IS_FULL = new AtomicBoolean(true);
    private static final CountDownLatch TOLD = new CountDownLatch(1);

    private static final TaskType<String, Integer> STORE = TaskType.of("disk.store", String.class, ReplayedPart::store);
    private static final TaskType<List<Integer>, String> REPORT =
            TaskType.ofList("disk.report", Integer.class, sizes -> "stored " + sizes);
    private static final TaskType<DeadTask, Void> ALARM =
            TaskType.of("alarm", DeadTask.class, ReplayedPart::alarm);

    private ReplayedPart() {}

    public static void main(String[] arguments) throws InterruptedException {
        try (TaskQueue queue = TaskQueue.open("memory:disk");
                QueueWorker _ = QueueWorker.builder(queue.broker()).types(STORE, REPORT, ALARM).start()) {
            Workflow<String> workflow =
                    Workflow.map(STORE, List.of("short", "rather long")).onDead(ALARM).then(REPORT);
            WorkflowHandle<String> handle = queue.enqueue(workflow);
            try {
                queue.result(handle).join();
            } catch (CompletionException e) {
                System.out.println("failed: " + (e.getCause() instanceof TaskFailedException));
            }
            TOLD.await();

            DISK_IS_FULL.set(false);
            int replayed = queue.broker().replay(TaskFilter.ALL.root(handle.root()), null);
            System.out.println(replayed + " replayed: " + queue.result(handle).join());
        }
    }

    private static int store(String text) {
        if (DISK_IS_FULL.get() && text.length() > 5) {
            throw new IllegalStateException("no space left for " + text);
        }
        return text.length();
    }

    private static Void alarm(DeadTask dead) {
        System.out.println("alarm: " + dead.type() + " " + dead.reason() + ", " + dead.error());
        TOLD.countDown();
        return null;
    }
}
