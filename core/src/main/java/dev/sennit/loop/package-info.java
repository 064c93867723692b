/**
 * Coroutines: many tasks on one thread, that take turns where they wait. {@link dev.sennit.loop.EventLoop} is the way in.
 *
 * <p>And what they share with virtual and platform threads: {@link dev.sennit.loop.Channel} hands values from one to another,
 * {@link dev.sennit.loop.Select} waits for several channels, {@link dev.sennit.loop.Actor} keeps a state that only it touches.
 */
@NullMarked
package dev.sennit.loop;

import org.jspecify.annotations.NullMarked;
