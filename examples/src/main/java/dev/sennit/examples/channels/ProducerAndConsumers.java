package dev.sennit.examples.channels;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.loop.Channel;
import java.util.ArrayList;
import java.util.List;

/**
 * A producer sends numbers over a channel and closes it; the consumers share them, and go home when there are no more.
 */
public final class ProducerAndConsumers {
    private ProducerAndConsumers() {}

    public static void main(String[] arguments) throws Exception {
        var numbers = new Channel<Integer>(10);
        try (Pool pool = Pools.open("virtual")) {
            List<TaskFuture<Integer>> sums = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                sums.add(pool.submit(() -> numbers.stream().mapToInt(number -> number).sum()));
            }
            try {
                for (int number = 1; number <= 100; number++) {
                    numbers.send(number); // waits while ten are in it
                }
                numbers.close();
            } catch (InterruptedException e) {
                numbers.close(e); // so that nobody takes the part for the whole
                throw e;
            }
            int all = 0;
            for (TaskFuture<Integer> sum : sums) {
                all += sum.get();
            }
            System.out.println("all of them: " + all);
        }
    }
}
