/**
 * Work in other processes of this machine: {@link dev.sennit.process.ProcessPool}.
 *
 * <p>A worker is a JVM of its own, started with this one's class path and modules. It can crash, exhaust its memory or
 * be killed, and only the task it was running fails, with a {@link dev.sennit.process.WorkerCrashedException}.
 *
 * <p>{@link dev.sennit.process.WorkerProcess} is a process of one's own. Processes talk through
 * {@code dev.sennit.pipe}, share memory and locks through {@code dev.sennit.shared}, and use the same objects through
 * {@code dev.sennit.manager}.
 */
@NullMarked
package dev.sennit.process;

import org.jspecify.annotations.NullMarked;
