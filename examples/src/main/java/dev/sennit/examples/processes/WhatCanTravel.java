package dev.sennit.examples.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskSerializationException;
import java.util.ArrayList;
import java.util.List;

/**
 * A task takes a copy of what it captured to its process, and what cannot be copied is refused by name. On {@code
 * threads:1} nothing is copied and nothing refused.
 */
public final class WhatCanTravel {
    private WhatCanTravel() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "processes:1")) {
            List<String> words = new ArrayList<>(List.of("one"));
            int size = pool.submit(() -> {
                words.add("two"); // on the copy
                return words.size();
            }).get();
            System.out.println("there " + size + ", here " + words.size());
            Object lock = new Object();
            try {
                pool.submit(() -> System.identityHashCode(lock));
                System.out.println("a lock was taken along");
            } catch (TaskSerializationException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
