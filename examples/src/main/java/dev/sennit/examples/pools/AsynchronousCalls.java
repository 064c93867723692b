package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import java.io.Serializable;
import java.util.List;

/** Gives a plain object an interface whose calls are tasks: each returns its future at once. */
public final class AsynchronousCalls {
    private AsynchronousCalls() {}

    /** The interface that callers use. */
    public interface Weighing {
        TaskFuture<Integer> grams(String fruit);
    }

    /** The object knows nothing of pools or futures. */
    public record Scales(int tare) implements Serializable {
        public int grams(String fruit) throws InterruptedException {
            Thread.sleep(100);
            return 40 * fruit.length() - tare;
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:3")) {
            Weighing scales = pool.asynchronous(Weighing.class, new Scales(20));
            List<TaskFuture<Integer>> all = List.of(scales.grams("fig"), scales.grams("pear"), scales.grams("quince"));
            for (TaskFuture<Integer> one : all) {
                System.out.println(one.get());
            }
        }
    }
}
