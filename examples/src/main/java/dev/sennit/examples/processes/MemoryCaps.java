package dev.sennit.examples.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.concurrent.ExecutionException;

/** Limits what a worker may use beside its heap: direct buffers, and all of its resident memory. */
public final class MemoryCaps {
    private MemoryCaps() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1?heap=64m&direct=8m&rss=200m&output=discard")) {
            tell(pool, () -> {
                var buffers = new ArrayList<ByteBuffer>();
                while (true) {
                    buffers.add(ByteBuffer.allocateDirect(1 << 20));
                }
            });
            tell(pool, () -> {
                var native4m = new ArrayList<MemorySegment>();
                while (native4m.size() < 200) {
                    native4m.add(Arena.global().allocate(1 << 22).fill((byte) 1));
                }
                Thread.sleep(10_000);
                return null;
            });
            System.out.println("next task: " + pool.submit(() -> "done").get());
        }
    }

    private static void tell(Pool pool, Task<Object> greedy) throws InterruptedException {
        try {
            pool.submit(greedy).get();
        } catch (ExecutionException e) {
            System.out.println(e.getCause());
        }
    }
}
