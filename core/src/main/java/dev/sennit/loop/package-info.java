/**
 * Coroutines, and what they, virtual threads and platform threads share.
 *
 * <p>{@link dev.sennit.loop.Channel} hands values from thread to thread, {@link dev.sennit.loop.Select} waits for several
 * channels, and {@link dev.sennit.loop.Actor} keeps a state that only it touches.
 */
@NullMarked
package dev.sennit.loop;

import org.jspecify.annotations.NullMarked;
