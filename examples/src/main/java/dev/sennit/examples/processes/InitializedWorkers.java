package dev.sennit.examples.processes;

import dev.sennit.process.ProcessPool;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Prepares each worker once, before its first task: a dictionary that would be slow to send with every task. */
public final class InitializedWorkers {
    /** Each worker has its own; in this JVM it stays empty. */
    private static Map<String, String> dictionary = Map.of();

    private InitializedWorkers() {}

    public static void main(String[] arguments) {
        List<String> words;
        try (ProcessPool pool = ProcessPool.builder()
                .workers(2)
                .environment(Map.of("LANGUAGE_PAIR", "en-es"))
                .initializer(() -> {
                    dictionary = Map.of("rope", "cuerda", "knot", "nudo", "strand", "hebra");
                    System.out.println("loaded " + System.getenv("LANGUAGE_PAIR"));
                })
                .open()) {
            words = pool.map(word -> dictionary.getOrDefault(word, "?"), List.of("rope", "knot", "strand"));
        }
        System.out.println(String.join(" ", words) + ", here: " + new TreeSet<>(dictionary.keySet()));
    }
}
