package dev.sennit.queue.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ControlMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HearerTest {
    private static final BrokerListener.Interest INTEREST = new BrokerListener.Interest(Set.of(), null, "worker-1");

    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch mayEnd = new CountDownLatch(1);
    private final Queue<String> heard = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final AtomicInteger closed = new AtomicInteger();

    /** Its first call takes as long as the test wants. */
    private Hearer slow() {
        BrokerListener listener = new BrokerListener() {
            @Override
            public void control(ControlMessage message) {
                heard.add(message.command());
                if (heard.size() == 1) {
                    begun.countDown();
                    boolean wasInterrupted = false;
                    while (mayEnd.getCount() > 0) {
                        try {
                            mayEnd.await();
                        } catch (InterruptedException e) {
                            wasInterrupted = true;
                        }
                    }
                    isOver.set(!wasInterrupted);
                }
            }

            @Override
            public void workMayBeReady() {
                heard.add("work");
            }
        };
        var hearer = new Hearer("test", INTEREST, listener, _ -> closed.incrementAndGet());
        hearer.start(null);
        return hearer;
    }

    private static void tell(Hearer hearer, String command) {
        hearer.tell(listener -> listener.control(new ControlMessage("worker-1", command, Map.of())));
    }

    @Test
    void aListenerThatIsSlowHearsWhatCameLast() throws Exception {
        Hearer hearer = slow();
        tell(hearer, "first");
        begun.await();
        hearer.tellWork();
        for (int i = 0; i < 3 * Hearer.MOST_WAITING; i++) {
            tell(hearer, "no " + i);
        }
        hearer.tellWork();
        var last = new CountDownLatch(1);
        hearer.tell(_ -> last.countDown());
        mayEnd.countDown();
        last.await();
        hearer.close();
        assertThat(heard).hasSize(1 + 1 + Hearer.MOST_WAITING - 1)
                .containsOnlyOnce("work", "first")
                .doesNotContain("no 0").contains("no " + (3 * Hearer.MOST_WAITING - 1));
    }

    @Test
    void eachCloseWaitsForTheCallThatRuns() throws Exception {
        List<Thread> closers = new ArrayList<>();
        Hearer hearer = slow();
        tell(hearer, "first");
        begun.await();
        var wereOver = new AtomicInteger();
        Runnable closing = () -> {
            hearer.close();
            wereOver.addAndGet(isOver.get() ? 1 : 0);
        };
        for (int i = 0; i < 2; i++) {
            Thread thread = Thread.ofPlatform().daemon().start(closing);
            while (thread.getState() != Thread.State.WAITING && thread.isAlive()) {
                Thread.onSpinWait();
            }
            assertThat(thread.isAlive()).as("it waits").isTrue();
            closers.add(thread);
        }
        mayEnd.countDown();
        for (Thread each : closers) {
            assertThat(each.join(Duration.ofMinutes(1))).isTrue();
        }
        assertThat(wereOver).hasValue(2);
        assertThat(closed).hasValue(1);
        tell(hearer, "late");
        assertThat(heard).containsExactly("first");
    }

    /** Neither waits until the call of the other is over, which waits for it. */
    @Test
    void listenersMayCloseEachOther() throws Exception {
        var both = new Hearer[2];
        var together = new Phaser(2);
        var done = new CountDownLatch(2);
        for (int i = 0; i < 2; i++) {
            both[i] = new Hearer("test", INTEREST, new BrokerListener() {}, _ -> closed.incrementAndGet());
            both[i].start(null);
        }
        for (int i = 0; i < 2; i++) {
            Hearer other = both[1 - i];
            both[i].tell(_ -> {
                together.arriveAndAwaitAdvance();
                other.close();
                done.countDown();
            });
        }
        done.await();
        assertThat(closed).hasValue(2);
    }
}
