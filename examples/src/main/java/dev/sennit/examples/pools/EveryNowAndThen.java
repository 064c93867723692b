package dev.sennit.examples.pools;

import dev.sennit.PeriodicWorker;
import dev.sennit.Schedule;
import dev.sennit.StopPeriodicException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs two tasks again and again, one of which ends itself after three runs, and prints a table of what they did. */
public final class EveryNowAndThen {
    private EveryNowAndThen() {}

    public static void main(String[] arguments) throws Exception {
        var beats = new AtomicInteger();
        try (PeriodicWorker worker = PeriodicWorker.builder().stopWhenEmpty().open()) {
            worker.add("beat", Schedule.fixedRate(Duration.ofMillis(20)).immediately(), () -> {
                System.out.println("beat " + beats.incrementAndGet());
                if (beats.get() == 3) {
                    throw new StopPeriodicException();
                }
            });
            worker.add("rare", Schedule.aligned(Duration.ofHours(1)).jitter(0.1),
                    () -> System.out.println("a new hour"))
                    .disable();
            worker.start();
            while (worker.tasks().size() > 1) {
                Thread.sleep(5);
            }
            System.out.print(worker.toTable());
        }
    }
}
