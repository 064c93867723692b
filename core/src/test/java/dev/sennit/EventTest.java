package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final Event event = new Event();

    @AfterEach
    void letEverybodyGo() {
        event.set();
        assertThat(Thread.interrupted()).isFalse();
    }

    private static void awaitParked(Thread thread) {
        org.awaitility.Awaitility.await().until(() -> thread.getState() == Thread.State.WAITING
                || thread.getState() == Thread.State.TIMED_WAITING);
    }

    private List<Thread> waiters(int count, CountDownLatch through) {
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean limited = i % 2 == 0;
            all.add(Thread.startVirtualThread(() -> {
                try {
                    if (!limited) {
                        event.await();
                        through.countDown();
                    } else if (event.await(BOUND)) {
                        through.countDown();
                    }
                } catch (InterruptedException e) {
                    // not counted
                }
            }));
        }
        return all;
    }

    @Test
    void isClearAtFirstAndStaysAsItWasMade() throws Exception {
        assertThat(event.isSet()).isFalse();
        assertThat(event).hasToString("Event[clear]");
        event.set();
        event.set();
        assertThat(event.isSet()).isTrue();
        assertThat(event).hasToString("Event[set]");
        event.await();
        assertThat(event.await(Duration.ZERO)).isTrue();
        event.clear();
        event.clear();
        assertThat(event.isSet()).isFalse();
    }

    @Test
    void aLimitedWaitEnds() throws Exception {
        assertThat(event.await(Duration.ofMillis(1))).isFalse();
        assertThat(event.await(Duration.ZERO)).isFalse();
        assertThat(event.await(Duration.ofSeconds(Long.MIN_VALUE))).isFalse();
    }

    @Test
    void setLetsEverybodyGoEvenIfItIsClearedAtOnce() throws Exception {
        var through = new CountDownLatch(20);
        waiters(20, through).forEach(EventTest::awaitParked);
        event.set();
        event.clear();
        assertThat(through.await(60, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void noWakeUpIsLostBetweenSettingAndWaiting() throws Exception {
        for (int round = 0; round < 500; round++) {
            var fresh = new Event();
            var waiter = Caller.of(() -> fresh.await(BOUND));
            fresh.set();
            assertThat(waiter.result()).isTrue();
        }
    }

    @Test
    void anInterruptEndsTheWaitAndIsToldBefore() throws Exception {
        for (boolean set : List.of(false, true)) {
            if (set) {
                event.set();
            }
            Thread.currentThread().interrupt();
            assertThatThrownBy(event::await).isInstanceOf(InterruptedException.class);
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> event.await(BOUND)).isInstanceOf(InterruptedException.class);
        }
        event.clear();
        var through = new CountDownLatch(1);
        Thread waiter = waiters(1, through).getFirst();
        awaitParked(waiter);
        waiter.interrupt();
        waiter.join();
        assertThat(through.getCount()).isOne();
    }
}
