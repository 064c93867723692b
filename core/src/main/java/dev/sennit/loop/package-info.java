/**
 * Coroutines: many tasks on one thread, that take turns where they wait.
 *
 * <p>{@link dev.sennit.loop.EventLoop} is the way in.
 */
@NullMarked
package dev.sennit.loop;

import org.jspecify.annotations.NullMarked;
