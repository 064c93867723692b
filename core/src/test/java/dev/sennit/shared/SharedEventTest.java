package dev.sennit.shared;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.Sharing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Shared events among the threads of one JVM. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SharedEventTest {
    private final SharedEvent event = SharedEvent.create();

    /** Until a thread has looked at the event, and waits for its word. */
    private static void awaitWaiting(Thread thread) {
        String sharing = Sharing.here().getClass().getName();
        Conditions.await("waits").until(() -> Stream.of(thread.getStackTrace())
                .anyMatch(frame -> frame.getClassName().equals(sharing)));
    }

    @Test
    void isClearAtFirstAndStaysAsItWasMade() throws Exception {
        assertThat(event.isSet()).isFalse();
        assertThat(event).hasToString("SharedEvent[clear]");
        assertThat(event.await(Duration.ZERO)).isFalse();
        assertThat(event.await(Duration.ofMillis(-1))).isFalse();
        assertThat(event.await(Duration.ofMillis(10))).isFalse();
        event.clear();
        for (int i = 0; i < 3; i++) {
            event.set();
            event.set();
            assertThat(event.isSet()).isTrue();
            assertThat(event).hasToString("SharedEvent[set]");
            event.await();
            assertThat(event.await(Duration.ZERO)).isTrue();
            event.clear();
            event.clear();
            assertThat(event.isSet()).isFalse();
        }
    }

    @Test
    void whoWaitsWhenItIsSetGetsThroughThoughItIsClearedAtOnce() throws Exception {
        for (int round = 0; round < 20; round++) {
            var through = new AtomicInteger();
            List<Thread> waiting = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                boolean limited = i < 2;
                waiting.add((i % 2 == 0 ? Thread.ofVirtual() : Thread.ofPlatform().daemon()).start(() -> {
                    try {
                        if (!limited) {
                            event.await();
                            through.incrementAndGet();
                        } else if (event.await(Duration.ofDays(1))) {
                            through.incrementAndGet();
                        }
                    } catch (InterruptedException e) {
                        // not counted
                    }
                }));
                awaitWaiting(waiting.getLast());
            }
            event.set();
            event.clear();
            for (Thread thread : waiting) {
                assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
            }
            assertThat(through).hasValue(6);
        }
    }

    @Test
    void anInterruptEndsAWait() throws Exception {
        var waiting = Caller.of(() -> {
            event.await();
            return true;
        });
        waiting.interrupt();
        assertThat(waiting.failure()).isInstanceOf(InterruptedException.class);
        event.set();
        Thread.currentThread().interrupt();
        assertThatThrownBy(event::await).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void manyVirtualThreadsWaitForItAtOnce() throws Exception {
        var through = new AtomicInteger();
        List<Thread> waiting = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            waiting.add(Thread.startVirtualThread(() -> {
                try {
                    event.await();
                    through.incrementAndGet();
                } catch (InterruptedException e) {
                    // not counted
                }
            }));
        }
        awaitWaiting(waiting.getLast());
        assertThat(through).hasValue(0);
        assertThat(
                Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().equals("sennit-futex")))
                .as("one waits for all").hasSizeLessThanOrEqualTo(1);
        event.set();
        for (Thread thread : waiting) {
            assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
        }
        assertThat(through).hasValue(1_000);
    }
}
