package dev.sennit.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TimeSource;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AlarmTest {
    @Test
    void keepsOneRingForTheNextSleep() {
        var alarm = new Alarm(TimeSource.system());
        alarm.ring();
        alarm.ring();
        alarm.sleep(Duration.ofDays(1));
        alarm.ring();
        alarm.sleep(null);
        alarm.sleep(Duration.ofMillis(1));
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }

    @Test
    void wakesWhoSleepsByAnyClock() throws InterruptedException {
        VirtualClock clock = VirtualClock.standing(VirtualClock.START);
        var alarm = new Alarm(clock);
        Thread sleeper = Thread.ofVirtual().start(() -> {
            alarm.sleep(Duration.ofDays(1));
            alarm.sleep(Duration.ofHours(1));
        });
        assertThat(clock.awaitSleepers(1, Duration.ofSeconds(30))).isTrue();
        alarm.ring();
        while (!sleeper.join(Duration.ofMillis(1))) {
            clock.advance(Duration.ofMinutes(30)); // ends the second sleep, and not the first
            assertThat(clock.now()).isBefore(VirtualClock.START.plus(Duration.ofDays(400)));
        }
    }
}
