package dev.sennit.queue.broker;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Is told by a {@link Broker} what happens in it. A broker calls a listener from a thread of its own, one call at a
 * time. A listener returns soon; one that throws is logged.
 *
 * <p>All calls are hints that spare waiting. A call may be missing after a broken connection, and may come twice; so a
 * listener's owner also asks now and then.
 */
public interface BrokerListener {
    /**
     * The news that a listener is interested in.
     *
     * @param queues the queues of which it claims tasks
     * @param replyTo its address as {@link QueuedTask#replyTo}, or null
     * @param worker its id as {@link ClaimRequest#worker}, or null
     */
    record Interest(Set<String> queues, @Nullable String replyTo, @Nullable String worker) {
        /** Copies the set. */
        public Interest {
            queues = Set.copyOf(queues);
        }
    }

    /** A task of its queues may be ready, or a limit or pause is over. */
    default void workMayBeReady() {}

    /**
     * A task with its address as {@link QueuedTask#replyTo} has ended.
     *
     * @param end how
     */
    default void ended(EndedTask end) {}

    /**
     * A task that its worker runs is to stop.
     *
     * @param id the id of the task
     */
    default void cancelRequested(String id) {}

    /**
     * Somebody asks something of its worker.
     *
     * @param message what
     */
    default void control(ControlMessage message) {}
}
