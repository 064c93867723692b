/**
 * Task queues in Redis or Valkey: {@code Broker.open("redis://:PASSWORD@HOST/0")}. Workers on many machines share them.
 *
 * <p>Redis 7 or later, or any Valkey. Every operation is one script on the server.
 */
@NullMarked
package dev.sennit.queue.redis;

import org.jspecify.annotations.NullMarked;
