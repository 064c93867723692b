package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A service that ends what it has begun before it goes. It sends {@code TERM} to itself and its workers, as
 * {@code systemctl stop} does: no task is lost, and the exit code is 143.
 */
public final class DrainOnSignal {
    private DrainOnSignal() {}

    public static void main(String[] arguments) throws Exception {
        Pool pool = Pools.open("processes:2?heap=64m");
        List<TaskFuture<Integer>> orders = new ArrayList<>();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> drain(pool, orders), "drain"));
        pool.submit(() -> {}).get(); // the workers are up
        for (int i = 1; i <= 4; i++) {
            int number = i;
            orders.add(pool.submit(() -> {
                Thread.sleep(200);
                return number;
            }));
        }
        stopEverything();
        pool.awaitTermination(1, TimeUnit.MINUTES);
    }

    private static void drain(Pool pool, List<TaskFuture<Integer>> orders) {
        pool.shutdown(); // no more orders
        try {
            if (!pool.awaitTermination(20, TimeUnit.SECONDS)) {
                pool.shutdownNow(); // before somebody kills us all
            }
        } catch (InterruptedException e) {
            pool.shutdownNow();
        }
        long done = orders.stream().filter(order -> order.state() == TaskFuture.State.SUCCESS).count();
        System.out.println(done + " of " + orders.size() + " orders are done");
    }

    private static void stopEverything() throws Exception {
        var self = ProcessHandle.current();
        List<String> command = new ArrayList<>(List.of("kill", "-TERM"));
        Stream.concat(Stream.of(self), self.descendants()).map(each -> Long.toString(each.pid())).forEach(command::add);
        new ProcessBuilder(command).start().waitFor();
    }
}
