package dev.sennit.observe;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The streams of events that tools outside of this JVM read, each for as long as its lease lasts. */
final class EventStreams {
    static final int MOST_STREAMS = 8;
    static final int MOST_EVENTS = 10_000;

    /** Guarded by itself. */
    private static final Map<Long, Stream> OPEN = new HashMap<>();
    /** Guarded by OPEN. */
    private static long last;

    private EventStreams() {}

    private static final class Stream {
        final TaskEvents events = TaskEvents.open();
        final Lease lease;
        /** Guarded by this. */
        private long told;

        Stream(long id, int leaseSeconds) {
            try {
                lease = Lease.start(leaseSeconds, () -> {
                    synchronized (OPEN) {
                        OPEN.remove(id);
                    }
                    events.close();
                });
            } catch (Throwable e) { // no timer available
                events.close();
                throw e;
            }
        }

        synchronized List<String> read(int most) throws InterruptedException {
            List<String> lines = new ArrayList<>();
            while (lines.size() < most) {
                TaskEvent next = events.next(Duration.ZERO).orElse(null);
                long missed = events.missed();
                if (missed > told) {
                    lines.add(JsonLines.missedLine(missed - told));
                    told = missed;
                }
                if (next == null) {
                    break;
                }
                lines.add(JsonLines.line(next));
            }
            return lines;
        }
    }

    static long open(int leaseSeconds) {
        Lease.ensureLength(leaseSeconds);
        synchronized (OPEN) {
            if (OPEN.size() >= MOST_STREAMS) {
                throw new IllegalStateException(
                        "streams of events must be <= " + MOST_STREAMS + ", and so many are open");
            }
            long id = ++last;
            OPEN.put(id, new Stream(id, leaseSeconds));
            return id;
        }
    }

    /** Returns at most {@code most} lines, and one more if events were missed. */
    static List<String> read(long id, int most) throws InterruptedException {
        if (most < 1 || most > MOST_EVENTS) {
            throw new IllegalArgumentException("most must be >= 1 and <= " + MOST_EVENTS + ", was " + most);
        }
        Stream stream;
        synchronized (OPEN) {
            stream = OPEN.get(id);
        }
        if (stream == null || !stream.lease.renew()) {
            throw new IllegalStateException(
                    "no stream of events " + id + " is open: it was closed, or not read while its lease ran");
        }
        return stream.read(most);
    }

    static void close(long id) {
        Stream stream;
        synchronized (OPEN) {
            stream = OPEN.get(id);
        }
        if (stream != null) {
            stream.lease.end();
        }
    }
}
