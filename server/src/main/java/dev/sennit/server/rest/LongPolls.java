package dev.sennit.server.rest;

import dev.sennit.internal.text.JsonLine;
import dev.sennit.server.DetachedLimits;
import dev.sennit.server.RefusedException;
import dev.sennit.server.WebHandler;
import dev.sennit.server.WebRequest;
import dev.sennit.server.WebResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/**
 * Gives the events of a topic to clients that cannot have a {@linkplain EventStreams stream}: a request waits until
 * there is an event.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 * import dev.sennit.server.rest.*;
 *
 * Topic orders = Topic.inProcess(1000);
 * Routes routes = Routes.create().get("/orders/next", LongPolls.of(orders, 500, Duration.ofSeconds(25)));
 * }
 *
 * <p>{@code GET /orders/next?after=ID} is answered with {@code {"missed":0,"events":[{"id":"...","name":"order",
 * "data":"..."}]}}: what came after that event, or what comes first if there is no {@code after}. {@code missed} is how
 * many events were lost before, or null if nobody knows. If nothing comes in time, and at once when the worker stops,
 * the answer is 204, and the client asks again. A request that waits holds no place of the handlers.
 */
public final class LongPolls implements WebHandler {
    private static final int BUFFER = 256;
    private static final Duration GRACE = Duration.ofSeconds(5);

    private final Topic topic;
    private final int most;
    private final DetachedLimits limits;
    private final Semaphore places;

    private LongPolls(Topic topic, int most, DetachedLimits limits) {
        this.topic = topic;
        this.most = most;
        this.limits = limits;
        places = new Semaphore(most);
    }

    /**
     * Makes a handler.
     *
     * @param topic the topic
     * @param most how many requests wait at a time; more are answered with 503 and {@code Retry-After}
     * @param longest how long a request waits; less than the 60 s for which proxies wait
     * @return the handler of a {@code GET}
     */
    public static LongPolls of(Topic topic, int most, Duration longest) {
        if (most < 1) {
            throw new IllegalArgumentException("most must be >= 1, was " + most);
        }
        return new LongPolls(Objects.requireNonNull(topic, "topic"), most, new DetachedLimits(longest, GRACE));
    }

    @Override
    public WebResponse handle(WebRequest request) {
        Optional<String> after = request.query("after");
        return WebResponse.detached(limits, answer -> {
            if (!places.tryAcquire()) {
                throw new RefusedException(503, "too many requests wait");
            }
            try (Topic.Subscription subscription =
                    topic.subscribe(after.orElse(null), BUFFER, SlowReader.DROP_OLDEST)) {
                answer.ending().thenRun(subscription::end);
                return taken(subscription, subscription.next(limits.longest()));
            } finally {
                places.release(); // before the client has its answer, and may come again
            }
        }).header("Cache-Control", "no-store");
    }

    private static WebResponse taken(Topic.Subscription subscription, Optional<TopicEvent> first)
            throws InterruptedException {
        long missed = subscription.missed();
        if (first.isEmpty() && missed == 0) {
            return WebResponse.of(204);
        }
        List<JsonLine> events = new ArrayList<>();
        Optional<TopicEvent> next = first;
        while (next.isPresent() && events.size() < BUFFER) {
            TopicEvent event = next.get();
            events.add(new JsonLine()
                    .put("id", event.id())
                    .put("name", event.name())
                    .put("data", event.data()));
            next = subscription.next(Duration.ZERO);
            if (subscription.missed() != 0) { // events were lost before this one: the next request tells how many
                break;
            }
        }
        String json = new JsonLine()
                .put("missed", missed == Topic.Subscription.UNKNOWN ? null : missed)
                .put("events", events)
                .toString();
        return WebResponse.bytes("application/json", json.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the topic, and how many requests wait. */
    @Override
    public String toString() {
        return "long polls of " + topic + ", " + (most - places.availablePermits()) + " of " + most + " wait";
    }
}
