/**
 * The contract of brokers as JUnit tests, for those who write one: a subclass of
 * {@link dev.sennit.queue.conformance.BrokerContract} runs them.
 */
@NullMarked
package dev.sennit.queue.conformance;

import org.jspecify.annotations.NullMarked;
