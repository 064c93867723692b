package dev.sennit.server.rest;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The events of one subject: each event that is published reaches all subscribers.
 *
 * {@snippet :
 * import dev.sennit.server.rest.*;
 *
 * Topic prices = Topic.inProcess(1000);
 * try (Topic.Subscription subscription = prices.subscribe(null, 256, SlowReader.DROP_OLDEST)) {
 *     prices.publish("price", "42");
 *     System.out.println(subscription.next(Duration.ofSeconds(1)).orElseThrow().data());
 * }
 * }
 *
 * <p>{@link #inProcess} reaches the subscribers of its own process, and so of one worker. An implementation over a
 * message broker reaches those of all workers. Safe for use by several threads.
 *
 * <p>Memory effects: what happened in a thread before it published an event is visible to the thread that received it.
 */
public interface Topic {
    /**
     * Makes a topic of this process.
     *
     * @param history how many events are kept for subscribers that come back; 0 for none
     * @return a topic without events
     */
    static Topic inProcess(int history) {
        return new InProcessTopic(history);
    }

    /**
     * Publishes an event. Does not wait for subscribers.
     *
     * @param name what kind of event it is; may be empty
     * @param data its text
     * @return the event, with its id
     * @throws IllegalArgumentException if the name has an end of line
     */
    TopicEvent publish(String name, String data);

    /**
     * Subscribes to what is published from now on and, for a subscriber that comes back, to what it has missed.
     *
     * @param lastId the id of the last event that the subscriber has; null if it is new. If the topic no longer knows
     *     the events after it, the subscription begins with what is kept, and {@link Subscription#missed} tells so
     * @param buffer how many events wait for the subscriber at most
     * @param slow what happens when more would wait
     * @return the subscription, which the caller closes
     */
    Subscription subscribe(@Nullable String lastId, int buffer, SlowReader slow);

    /** The events for one subscriber. */
    interface Subscription extends AutoCloseable {
        /**
         * Waits for the next event.
         *
         * @param limit how long to wait; zero or less to look once
         * @return the event; empty if none came in time, or the subscription has {@linkplain #hasEnded ended}
         * @throws InterruptedException if the thread is interrupted while it waits
         */
        Optional<TopicEvent> next(Duration limit) throws InterruptedException;

        /**
         * Tells how many events were lost before the one that {@link #next} has returned last, or returns next; and
         * begins to count anew.
         *
         * @return 0 if none were; {@link #UNKNOWN} if nobody knows how many
         */
        long missed();

        /** Ends the wait of {@link #next}: it returns what is there already, and then nothing. */
        void end();

        /**
         * Whether there will be no more events: it was ended, closed, or was too slow.
         *
         * @return true once all that was there has been returned
         */
        boolean hasEnded();

        /** Ends the subscription, and drops what waits. */
        @Override
        void close();

        /** Events were lost, and nobody knows how many. */
        long UNKNOWN = -1;
    }
}
