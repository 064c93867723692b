/** What the brokers share that exchange tasks with programs in Python: JSON, and calls with positional and named arguments. */
@NullMarked
package dev.sennit.queue.foreign;

import org.jspecify.annotations.NullMarked;
