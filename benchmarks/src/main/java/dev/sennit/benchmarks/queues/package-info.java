/** Durable task queues, with their submitters and workers in processes of their own, and their peers. */
@NullMarked
package dev.sennit.benchmarks.queues;

import org.jspecify.annotations.NullMarked;
