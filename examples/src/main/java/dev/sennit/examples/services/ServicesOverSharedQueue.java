package dev.sennit.examples.services;

import dev.sennit.service.ServiceKind;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.shared.SharedIntArray;
import dev.sennit.shared.SharedQueue;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * A service that puts numbers into a queue, and one whose workers take them out, from one worker to three while it
 * runs. Each number is counted in shared memory by the worker that had it.
 */
public final class ServicesOverSharedQueue {
    private static final int NUMBERS = 600;
    private static final int WAITING = 16;
    private static final long BYTES = 1 << 16;

    private ServicesOverSharedQueue() {}

    public static void main(String[] arguments) throws Exception {
        SharedQueue<Integer> numbers = SharedQueue.create(WAITING, BYTES);
        try (var times = SharedIntArray.create(NUMBERS);
                ServiceManager manager = ServiceManager.create("numbers")) {
            manager.add(ServiceSettings.of("producer", me -> {
                for (int number = 0; number < NUMBERS; number++) {
                    numbers.put(number); // waits while the consumers have enough to do
                }
            }).kind(ServiceKind.ON_FAILURE).heap("32m").build());
            manager.add(ServiceSettings.of("consumer", me -> {
                while (!me.isStopping()) { // a worker that shall stop ends the number that it has
                    Integer number = numbers.poll(100, TimeUnit.MILLISECONDS);
                    if (number != null) {
                        times.addAndGet(number, 1);
                        numbers.taskDone();
                        me.awaitStop(Duration.ofMillis(2));
                    }
                }
            }).heap("32m").build());
            manager.start();
            manager.whenUp().get(1, TimeUnit.MINUTES);
            System.out.println("1 consumer");
            manager.scale("consumer", 3).get(1, TimeUnit.MINUTES);
            System.out.println("3 consumers");
            numbers.join();
            long once = IntStream.range(0, NUMBERS).filter(number -> times.get(number) == 1).count();
            System.out.println(once + " of " + NUMBERS + " numbers were consumed once");
            System.out.println("exit code " + manager.shutdown().get(1, TimeUnit.MINUTES));
        }
    }
}
