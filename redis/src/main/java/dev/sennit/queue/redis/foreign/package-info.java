/**
 * What the brokers share that speak the protocol of another program over Redis: connections, scripts, and the threads
 * that hear of new entries in lists.
 */
@NullMarked
package dev.sennit.queue.redis.foreign;

import org.jspecify.annotations.NullMarked;
