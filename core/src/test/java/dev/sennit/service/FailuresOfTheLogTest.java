package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A log that fails, as it does without a free descriptor, ends no thread of the manager. */
@Timeout(60)
class FailuresOfTheLogTest {
    private static final AtomicInteger PRINTED = new AtomicInteger();

    /** An exception at which the log fails. */
    private static final class Unprintable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @Override
        public String toString() {
            PRINTED.incrementAndGet();
            throw new InternalError("no descriptor");
        }
    }

    @BeforeEach
    void nothingWasPrinted() {
        PRINTED.set(0);
    }

    @Test
    void aSlotIsServedOn() {
        var steps = new AtomicInteger();
        TimeSource time = new TimeSource() {
            @Override
            public Instant now() {
                return Instant.EPOCH;
            }

            @Override
            public long nanoTime() {
                return steps.get() == 0 ? 0 : fail();
            }

            private long fail() {
                throw new Unprintable();
            }

            @Override
            public void sleep(Duration duration) {}
        };
        var thread = new SlotThread("slot", steps::incrementAndGet);
        ServiceSettings settings = ServiceSettings.of("printer", me -> {}).build();
        var order = new Order(new FakeProcesses().generation(1, settings), true, true, true, 0, 0);
        var slot = new Slot("printer", 0, order, time, new Random(1), pid -> 0, new NoListener(), thread::poke);
        steps.set(1);
        thread.begin(slot);
        try {
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                thread.poke();
                return steps.get() > 3;
            });
            assertThat(PRINTED).hasPositiveValue();
        } finally {
            thread.end();
        }
    }

    private static final class NoListener implements Slot.Listener {
        @Override
        public void happened(ServiceEvent event) {}

        @Override
        public void gaveUp(Slot slot, Generation generation, String why) {}

        @Override
        public void failed(Slot slot, Escalation escalation) {}
    }

    @Test
    void aListenerIsCalledOn() throws Exception {
        var called = new CountDownLatch(3);
        var lane = new ListenerLane(new ServiceListener() {
            @Override
            public void terminating() {
                called.countDown();
                throw new Unprintable();
            }
        });
        for (int i = 0; i < 3; i++) {
            lane.call(ServiceListener::terminating);
        }
        assertThat(called.await(30, TimeUnit.SECONDS)).isTrue();
        ListenerLane.awaitAll(List.of(lane), Duration.ofSeconds(30));
        assertThat(PRINTED).hasPositiveValue();
    }
}
