/** What befalls queues, their workers and their brokers, while they are under load; and how much they can hold. */
@org.jspecify.annotations.NullMarked
package dev.sennit.faults.queue;
