package dev.sennit.queue.broker;

/**
 * The abilities that some brokers lack. Such a broker refuses it by an {@link UnsupportedOperationException} that names
 * the feature; none does something else silently.
 */
public enum BrokerFeature {
    /** Tasks that are due later, and waits of retries. */
    DELAY,
    /** The ten priorities. */
    PRIORITIES,
    /** {@link QueuedTask#unique}. */
    UNIQUE,
    /** {@link QueuedTask#key}. */
    KEYS,
    /** {@link Broker#limit}. */
    RATES,
    /** {@link Broker#pause}, which all who take tasks of the store keep to. */
    PAUSES,
    /** {@link Join}s, and successors of a {@link Completion}, in one step with the completion. */
    JOINS,
    /**
     * Tasks are known by their ids until their ends are kept no more: an id is taken once, and completed once, whoever
     * has the token; {@link Broker#cancel} and {@link Broker#cancelAll}; {@link Broker#ended}; checkpoints outlive the
     * worker; {@link Broker#upkeep} looks at all tasks. A broker without it hands tasks out and takes them back: it
     * loses none, but one may come twice after an answer that was lost, and run twice.
     */
    IDS,
    /** {@link Broker#search}, {@link Broker#find}, {@link Broker#replay} and {@link Broker#purge}. */
    SEARCH,
    /** {@link Broker#fire} and what belongs to it. */
    SCHEDULES,
    /** {@link Broker#events}. */
    EVENTS,
    /** Tasks outlive this process. */
    DURABLE,
    /** Workers in other processes can take them. */
    SHARED
}
