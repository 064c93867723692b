package dev.sennit.examples.shared;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.shared.SharedBarrier;
import dev.sennit.shared.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Heat spreads along a rod that lies in shared memory: each process has a part of it, and after each round they wait
 * for each other, as everyone needs its neighbours' latest values. Quickest with
 * {@code --enable-native-access=ALL-UNNAMED}.
 */
public final class SharedBarrierRounds {
    private static final int PARTIES = 2;
    private static final int CELLS = 20;
    private static final int ROUNDS = 1_000;

    private SharedBarrierRounds() {}

    private static int spread(int party, SharedMemory rod, SharedBarrier barrier) throws Exception {
        MemorySegment cells = rod.segment();
        int first = Math.max(1, party * CELLS / PARTIES);
        int end = Math.min(CELLS - 1, (party + 1) * CELLS / PARTIES);
        int lastToCome = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int from = round % 2 * CELLS; // the rod is there twice: read one, write the other
            int to = CELLS - from;
            for (int i = first; i < end; i++) {
                double left = cells.getAtIndex(JAVA_DOUBLE, from + i - 1);
                double right = cells.getAtIndex(JAVA_DOUBLE, from + i + 1);
                cells.setAtIndex(JAVA_DOUBLE, to + i, (left + right) / 2);
            }
            lastToCome += barrier.await() == 0 ? 1 : 0;
        }
        return lastToCome;
    }

    public static void main(String[] arguments) throws Exception {
        SharedBarrier barrier = SharedBarrier.create(PARTIES);
        try (SharedMemory rod = SharedMemory.create(2 * CELLS * Double.BYTES);
                Pool pool = Pools.open("processes:" + PARTIES)) {
            for (int copy = 0; copy < 2; copy++) {
                rod.segment().setAtIndex(JAVA_DOUBLE, copy * CELLS, 100); // one end is kept hot, the other cold
            }
            List<TaskFuture<Integer>> parts = new ArrayList<>();
            for (int party = 0; party < PARTIES; party++) {
                int mine = party;
                parts.add(pool.submit(() -> spread(mine, rod, barrier)));
            }
            int rounds = 0;
            for (TaskFuture<Integer> part : parts) {
                rounds += part.get();
            }
            System.out.printf("after %d rounds: %.0f degrees in the middle%n", rounds,
                    rod.segment().getAtIndex(JAVA_DOUBLE, CELLS / 2));
        }
    }
}
