/** What tasks cost on each kind of pool: the contract, uneven and even work, latency, throughput, start. */
@NullMarked
package dev.sennit.benchmarks.pools;

import org.jspecify.annotations.NullMarked;
