package dev.sennit.examples.coroutines;

import dev.sennit.Futures;
import dev.sennit.TaskFuture;
import dev.sennit.loop.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Ten thousand coroutines sleep on one thread, all at the same time, and count themselves without a lock when they
 * wake.
 */
public final class TenThousandSleepers {
    private TenThousandSleepers() {}

    public static void main(String[] arguments) {
        EventLoop.run(() -> {
            EventLoop loop = EventLoop.current();
            int[] awake = {0};
            long start = System.nanoTime();
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) {
                all.add(loop.submit(() -> {
                    Thread.sleep(1000);
                    return awake[0]++;
                }));
            }
            Futures.gather(all);
            System.out.printf(Locale.ROOT, "%d slept for a second each: %.1f s%n", awake[0],
                    (System.nanoTime() - start) / 1e9);
            return null;
        });
    }
}
