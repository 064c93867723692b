package dev.sennit.examples.managers;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.manager.ManagerServer;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentMap;

/** Tasks in two processes count words in one map, which they captured like any other. */
public final class ManagerMap {
    private ManagerMap() {}

    public static void main(String[] arguments) throws Exception {
        try (ManagerServer manager = ManagerServer.local();
                Pool pool = Pools.open("processes:2")) {
            ConcurrentMap<String, Integer> counts = manager.client().newMap();
            pool.forEach(List.of("a rose is", "a rose is", "a rose"), line -> {
                for (String word : line.split(" ")) {
                    counts.merge(word, 1, Integer::sum);
                }
            });
            System.out.println(new TreeMap<>(counts));
        }
    }
}
