/** Locks, events, conditions and queues in one process. */
package dev.sennit.examples.synchronizers;
