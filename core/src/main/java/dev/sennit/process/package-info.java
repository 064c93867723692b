/**
 * Work in other processes of this machine: {@link dev.sennit.process.ProcessPool}.
 *
 * <p>A worker is a JVM of its own, started with this one's class path and modules. It can crash, exhaust its memory or
 * be killed, and only the task it was running fails, with a {@link dev.sennit.process.WorkerCrashedException}.
 *
 * <p>{@link dev.sennit.process.ManagerServer} holds objects that other processes, here or on other machines, use through proxies:
 * lists, maps, queues, locks, and one's own.
 */
@NullMarked
package dev.sennit.process;

import org.jspecify.annotations.NullMarked;
