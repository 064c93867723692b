/** What processes cost beyond their tasks: large values, pipes, locks, managers, crashes, and drift over time. */
@NullMarked
package dev.sennit.benchmarks.processes;

import org.jspecify.annotations.NullMarked;
