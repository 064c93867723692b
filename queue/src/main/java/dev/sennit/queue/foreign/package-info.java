/** What brokers for programs in Python share: JSON, and calls with positional and named arguments. */
@NullMarked
package dev.sennit.queue.foreign;

import org.jspecify.annotations.NullMarked;
