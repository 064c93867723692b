package dev.sennit.examples.coroutines;

import dev.sennit.TaskOptions;
import dev.sennit.loop.EventLoop;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** Finds out which coroutine holds up all the others. */
public final class Watchdog {
    private Watchdog() {}

    public static void main(String[] arguments) {
        var told = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder()
                .name("shop")
                .watch(Duration.ofMillis(50), blocked -> {
                    System.out.println(blocked.coroutine() + " holds " + blocked.loop() + " in "
                            + blocked.stack().stream()
                                    .map(StackTraceElement::getMethodName)
                                    .filter(name -> name.startsWith("compute"))
                                    .findFirst()
                                    .orElse("nothing we know"));
                    told.countDown();
                })
                .open()) {
            loop.submit(() -> computeAnInvoice(told), TaskOptions.named("invoice"));
            loop.submit(() -> System.out.println("the next coroutine, at last"));
        }
    }

    private static void computeAnInvoice(CountDownLatch told) {
        while (told.getCount() > 0) {
            Thread.onSpinWait(); // it never waits, so nobody else gets a turn
        }
    }
}
