/** Tasks that are kept by a broker: workflows and schedules. */
package dev.sennit.examples.queues;
