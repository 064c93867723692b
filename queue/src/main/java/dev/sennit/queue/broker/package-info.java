/**
 * The contract between task queues and the store of their tasks: {@link dev.sennit.queue.broker.Broker} and its values.
 *
 * <p>Programs use {@code dev.sennit.queue}. Authors of brokers implement {@link dev.sennit.queue.broker.Broker} and
 * {@link dev.sennit.queue.broker.BrokerProvider}.
 */
@NullMarked
package dev.sennit.queue.broker;

import org.jspecify.annotations.NullMarked;
