package dev.sennit.server.rest;

import dev.sennit.server.Detached;
import dev.sennit.server.DetachedLimits;
import dev.sennit.server.RefusedException;
import dev.sennit.server.WebHandler;
import dev.sennit.server.WebRequest;
import dev.sennit.server.WebResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/**
 * Sends the events of a topic to browsers and other clients, as server-sent events.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 * import dev.sennit.server.rest.*;
 *
 * Topic orders = Topic.inProcess(1000);
 * Routes routes = Routes.create()
 *         .get("/orders/events", EventStreams.of(orders).most(500))
 *         .post("/orders", request -> {
 *             orders.publish("order", new String(request.bytes()));
 *             return WebResponse.of(204);
 *         });
 * }
 *
 * <p>A stream holds no place of the handlers, and the deadline of requests is not for it. A client that comes back with
 * {@code Last-Event-ID} gets what it has missed, as far as the topic keeps it. An event {@code missed} tells a client
 * that events were lost, and how many; its data is a number, or {@code unknown}.
 *
 * <p>A stream ends after its {@linkplain #limits longest time}, when its worker stops, and, with
 * {@link SlowReader#CLOSE}, when its client is too slow. Then the client has {@code retry}, what waited for it, and the
 * proper end of the response; it comes back on another connection, and so to another worker. A stream whose client has
 * gone is noticed at the next event or heartbeat.
 *
 * <p>Immutable but for the count of streams, which copies share.
 */
public final class EventStreams implements WebHandler {
    private static final Duration SHORTEST = Duration.ofMillis(1);
    private static final Duration LONGEST = Duration.ofDays(1);

    private final Topic topic;
    private final Settings settings;
    private final Semaphore places;

    private record Settings(
            int most, int buffer, SlowReader slow, Duration heartbeat, Duration retry, DetachedLimits limits) {}

    private EventStreams(Topic topic, Settings settings, Semaphore places) {
        this.topic = topic;
        this.settings = settings;
        this.places = places;
    }

    /**
     * Sends the events of a topic, to 1000 clients at a time. 256 events wait for a client at most, the oldest are
     * dropped; a heartbeat is sent after 15 s without an event; {@code retry} is 2 s.
     *
     * @param topic the topic
     * @return the handler of a {@code GET}
     */
    public static EventStreams of(Topic topic) {
        int most = 1000;
        return new EventStreams(
                Objects.requireNonNull(topic, "topic"),
                new Settings(most, 256, SlowReader.DROP_OLDEST, Duration.ofSeconds(15), Duration.ofSeconds(2),
                        DetachedLimits.DEFAULTS),
                new Semaphore(most));
    }

    /**
     * Returns this handler with another number of streams; more are answered with 503 and {@code Retry-After}.
     *
     * @param streams how many there may be at a time, in each worker; below {@code connections} of the server
     * @return the handler, which counts its own streams
     */
    public EventStreams most(int streams) {
        ensureAtLeastOne("most", streams);
        return new EventStreams(
                topic,
                new Settings(streams, settings.buffer, settings.slow, settings.heartbeat, settings.retry,
                        settings.limits),
                new Semaphore(streams));
    }

    /**
     * Returns this handler with another buffer.
     *
     * @param events how many events wait for a client at most
     * @param slow what happens to a client for which more would wait
     * @return the handler
     */
    public EventStreams buffer(int events, SlowReader slow) {
        ensureAtLeastOne("events", events);
        return with(new Settings(settings.most, events, Objects.requireNonNull(slow, "slow"), settings.heartbeat,
                settings.retry, settings.limits));
    }

    /**
     * Returns this handler with another heartbeat: a comment that keeps proxies from closing the connection, and shows
     * whether the client is still there.
     *
     * @param after how long there must have been no event
     * @return the handler
     */
    public EventStreams heartbeat(Duration after) {
        return with(new Settings(settings.most, settings.buffer, settings.slow, ensureTime("heartbeat", after),
                settings.retry, settings.limits));
    }

    /**
     * Returns this handler with another time after which clients come back.
     *
     * @param after what {@code retry} says
     * @return the handler
     */
    public EventStreams retry(Duration after) {
        return with(new Settings(settings.most, settings.buffer, settings.slow, settings.heartbeat,
                ensureTime("retry", after), settings.limits));
    }

    /**
     * Returns this handler with other limits of streams.
     *
     * @param newLimits how long a stream lasts, and how long its end may take
     * @return the handler
     */
    public EventStreams limits(DetachedLimits newLimits) {
        return with(new Settings(settings.most, settings.buffer, settings.slow, settings.heartbeat, settings.retry,
                Objects.requireNonNull(newLimits, "newLimits")));
    }

    private EventStreams with(Settings other) {
        return new EventStreams(topic, other, places);
    }

    private static void ensureAtLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be >= 1, was " + value);
        }
    }

    private static Duration ensureTime(String name, Duration value) {
        if (value.compareTo(SHORTEST) < 0 || value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + " must be from 1 ms to 1 day, was " + value);
        }
        return value;
    }

    @Override
    public WebResponse handle(WebRequest request) {
        if (request.method().equals("HEAD")) {
            return WebResponse.of(200).header("Content-Type", EventText.TYPE).header("Cache-Control", "no-store");
        }
        Optional<String> last = request.header("Last-Event-ID").filter(id -> !id.isEmpty());
        return WebResponse.detached(settings.limits, answer -> {
            if (!places.tryAcquire()) {
                throw new RefusedException(503, "too many streams are open");
            }
            answer.atEnd(places::release);
            return WebResponse.stream(EventText.TYPE, out -> stream(last, answer, out));
        }).header("Cache-Control", "no-store").header("X-Accel-Buffering", "no"); // proxies must not hold events back
    }

    private void stream(Optional<String> last, Detached answer, OutputStream out)
            throws IOException, InterruptedException {
        try (Topic.Subscription subscription = topic.subscribe(last.orElse(null), settings.buffer, settings.slow)) {
            answer.ending().thenRun(subscription::end);
            send(out, EventText.retry(settings.retry.toMillis()));
            out.flush();
            while (true) {
                Optional<TopicEvent> next = subscription.next(Duration.ZERO);
                if (next.isEmpty()) {
                    out.flush(); // many events go out together, and none waits
                    next = subscription.next(settings.heartbeat);
                }
                long missed = subscription.missed();
                if (missed != 0) {
                    send(out, EventText.of(
                            "missed", missed == Topic.Subscription.UNKNOWN ? "unknown" : Long.toString(missed)));
                }
                if (next.isPresent()) {
                    send(out, EventText.of(next.get()));
                } else if (subscription.hasEnded()) {
                    send(out, EventText.comment(answer.isEnding() ? "the stream ends, come back" : "too slow"));
                    return;
                } else {
                    send(out, EventText.comment("still here"));
                    out.flush();
                }
            }
        }
    }

    private static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** How many streams are open. */
    int open() {
        return settings.most - places.availablePermits();
    }

    /** Returns the topic, and how many streams are open. */
    @Override
    public String toString() {
        return "event streams of " + topic + ", " + open() + " of " + settings.most + " open";
    }
}
