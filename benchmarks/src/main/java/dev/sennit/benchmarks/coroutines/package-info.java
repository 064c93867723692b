/** What coroutines cost beside those of others: turns, parked ones by the thousand, and an echo server. */
@NullMarked
package dev.sennit.benchmarks.coroutines;

import org.jspecify.annotations.NullMarked;
