package dev.sennit.images;

import dev.sennit.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Time in which waits between attempts are written down and take none. */
final class NoWaiting implements TimeSource {
    static final Instant NOW = Instant.parse("2026-05-04T12:00:00Z");

    final List<Duration> waits = new CopyOnWriteArrayList<>();

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public Instant now() {
        return NOW;
    }

    @Override
    public void sleep(Duration time) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        waits.add(time);
    }
}
