package dev.sennit.examples.queues;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import java.util.List;
import java.util.stream.IntStream;

/** Squares a thousand numbers in ten tasks of a hundred each. */
public final class ChunksOfNumbers {
    private static final TaskType<List<Integer>, List<Integer>> SQUARES = TaskType.ofList("numbers.squares",
            Integer.class, Integer.class, numbers -> numbers.stream().map(number -> number * number).toList());

    private ChunksOfNumbers() {}

    public static void main(String[] arguments) {
        List<Integer> numbers = IntStream.rangeClosed(1, 1000).boxed().toList();
        try (TaskQueue queue = TaskQueue.open("memory:squares");
                QueueWorker _ = QueueWorker.builder(queue.broker()).types(SQUARES).start()) {
            Workflow<List<Integer>> squares = Workflow.chunks(SQUARES, numbers, 100);
            List<Integer> results = queue.submit(squares).join();
            System.out.println(squares + ", " + results.size() + " results, the last is " + results.getLast());
        }
    }
}
