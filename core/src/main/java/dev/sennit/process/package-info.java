/**
 * Work in other processes of this machine: {@link dev.sennit.process.ProcessPool}.
 *
 * <p>A worker is a JVM of its own, started with this one's class path and modules. It can crash, exhaust its memory or
 * be killed, and only the task it was running fails, with a {@link dev.sennit.process.WorkerCrashedException}.
 *
 * <p>Memory that processes share is {@link dev.sennit.process.SharedMemory}; in it lie numbers, such as
 * {@link dev.sennit.process.SharedLong}, arrays, such as {@link dev.sennit.process.SharedLongArray}, and
 * {@link dev.sennit.process.SharedList}.
 */
@NullMarked
package dev.sennit.process;

import org.jspecify.annotations.NullMarked;
