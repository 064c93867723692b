/** Tasks that outlive their program: {@link dev.sennit.queue.TaskQueue} and its workers. */
package dev.sennit.examples.queues;
