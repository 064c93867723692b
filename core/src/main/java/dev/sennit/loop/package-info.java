/**
 * Coroutines: many tasks on one thread, which take turns where they wait. Start with {@link dev.sennit.loop.EventLoop}.
 *
 * <p>Other classes serve any kind of thread: {@link dev.sennit.loop.Channel} passes values between threads,
 * {@link dev.sennit.loop.Select} waits for several channels, {@link dev.sennit.loop.Actor} is a thread with a mailbox.
 */
@NullMarked
package dev.sennit.loop;

import org.jspecify.annotations.NullMarked;
