/**
 * Work in other processes of this machine: {@link dev.sennit.process.ProcessPool}.
 *
 * <p>A worker is a JVM of its own, started with this one's class path and modules. It can crash, exhaust its memory or
 * be killed, and only the task it was running fails, with a {@link dev.sennit.process.WorkerCrashedException}.
 *
 * <p>Memory that processes share is {@link dev.sennit.process.SharedMemory}; in it lie numbers, such as
 * {@link dev.sennit.process.SharedLong}, arrays, such as {@link dev.sennit.process.SharedLongArray}, and
 * {@link dev.sennit.process.SharedList}.
 *
 * <p>Locks and the like that work between processes are {@link dev.sennit.process.SharedLock}, {@link
 * dev.sennit.process.SharedSemaphore}, {@link dev.sennit.process.SharedBarrier} and {@link dev.sennit.process.SharedEvent}.
 *
 * <p>{@link dev.sennit.process.WorkerProcess} is a process of one's own, {@link dev.sennit.process.Pipe} a way to talk to it.
 *
 * <p>{@link dev.sennit.process.ManagerServer} holds objects that other processes, here or on other machines, use through proxies:
 * lists, maps, queues, locks, and one's own.
 */
@NullMarked
package dev.sennit.process;

import org.jspecify.annotations.NullMarked;
