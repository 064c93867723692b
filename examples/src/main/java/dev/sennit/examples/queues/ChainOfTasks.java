package dev.sennit.examples.queues;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import dev.sennit.queue.WorkflowHandle;
import java.util.List;

/** Enqueues tasks that follow each other, and two that go on from one result. */
public final class ChainOfTasks {
    private static final TaskType<String, String> FETCH =
            TaskType.of("page.fetch", String.class, name -> "a rose is a rose, says " + name);
    private static final TaskType<String, Integer> WORDS =
            TaskType.of("page.words", String.class, text -> text.split(" ").length);
    private static final TaskType<String, Integer> LETTERS =
            TaskType.of("page.letters", String.class, text -> text.replaceAll("\\W", "").length());
    private static final TaskType<Integer, String> REPORT =
            TaskType.of("report", Integer.class, count -> "counted to " + count);

    private ChainOfTasks() {}

    public static void main(String[] arguments) {
        try (TaskQueue queue = TaskQueue.open("memory:pages");
                QueueWorker _ =
                        QueueWorker.builder(queue.broker()).types(FETCH, WORDS, LETTERS, REPORT).start()) {
            Workflow<String> chain = Workflow.of(FETCH, "Gertrude").then(WORDS).then(REPORT);
            System.out.println(queue.submit(chain).join());

            Workflow<List<Integer>> fork =
                    Workflow.of(FETCH, "Gertrude").fork(page -> List.of(page.then(WORDS), page.then(LETTERS)));
            WorkflowHandle<List<Integer>> handle = queue.enqueue(fork);
            handle.tasks().forEach(task -> System.out.println(task.type()));
            System.out.println("words and letters: " + queue.result(handle).join());
        }
    }
}
