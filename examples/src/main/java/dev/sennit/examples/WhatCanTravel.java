package dev.sennit.examples;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskSerializationException;
import java.util.ArrayList;
import java.util.List;

/** A task takes a copy of what it captured to its process; what cannot be copied is refused by name. */
public final class WhatCanTravel {
    private WhatCanTravel() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1")) {
            List<String> words = new ArrayList<>(List.of("one"));
            int size = pool.submit(() -> {
                words.add("two"); // on the copy
                return words.size();
            }).get();
            System.out.println("there " + size + ", here " + words.size());
            Object lock = new Object();
            try {
                pool.submit(() -> lock.hashCode());
            } catch (TaskSerializationException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
