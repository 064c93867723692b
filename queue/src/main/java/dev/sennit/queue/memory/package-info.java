/** The broker in memory: {@link dev.sennit.queue.memory.MemoryBroker}. */
@NullMarked
package dev.sennit.queue.memory;

import org.jspecify.annotations.NullMarked;
