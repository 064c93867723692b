package dev.sennit.examples.shared;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.shared.SharedDoubleArray;
import java.util.List;

/** Workers write their results where the parent reads them: nothing is copied, however large it is. */
public final class SharedArrayResult {
    private static final int PARTS = 4;

    private SharedArrayResult() {}

    public static void main(String[] arguments) {
        int length = 1_000_000;
        try (SharedDoubleArray roots = SharedDoubleArray.create(length);
                Pool pool = Pools.open("processes:2")) {
            pool.forEach(List.of(0, 1, 2, 3), part -> {
                for (int i = part * length / PARTS; i < (part + 1) * length / PARTS; i++) {
                    roots.setPlain(i, Math.sqrt(i));
                }
            });
            System.out.println("root of 998001: " + roots.get(998_001));
            System.out.printf(java.util.Locale.ROOT, "sum of all: %.0f%n", roots.stream().sum());
        }
    }
}
