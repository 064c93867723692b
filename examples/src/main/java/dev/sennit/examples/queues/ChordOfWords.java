package dev.sennit.examples.queues;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counts words in one task for each text, and adds up the counts in a task that gets the results of all of them. */
public final class ChordOfWords {
    private static final TaskType<String, Counts> COUNT =
            TaskType.of("words.count", String.class, ChordOfWords::count);
    private static final TaskType<List<Counts>, Counts> ADD =
            TaskType.ofList("words.add", Counts.class, ChordOfWords::add);

    private ChordOfWords() {}

    /** How often each word occurs. */
    public record Counts(Map<String, Integer> words) {}

    public static void main(String[] arguments) {
        try (TaskQueue queue = TaskQueue.open("memory:words");
                QueueWorker _ = QueueWorker.builder(queue.broker()).types(COUNT, ADD).on("threads:2").start()) {
            Workflow<Counts> all = Workflow.map(COUNT, List.of("a rose is", "a rose", "is a rose")).then(ADD);
            System.out.println(new TreeMap<>(queue.submit(all).join().words()));
        }
    }

    private static Counts count(String text) {
        Map<String, Integer> words = new TreeMap<>();
        for (String word : text.split(" ")) {
            words.merge(word, 1, Integer::sum);
        }
        return new Counts(words);
    }

    private static Counts add(List<Counts> parts) {
        Map<String, Integer> words = new TreeMap<>();
        parts.forEach(part -> part.words().forEach((word, count) -> words.merge(word, count, Integer::sum)));
        return new Counts(words);
    }
}
