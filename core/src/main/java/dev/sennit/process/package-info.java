/**
 * Work in other processes of this machine: {@link dev.sennit.process.ProcessPool}.
 *
 * <p>A worker is a JVM of its own, started with this one's class path and modules. It can crash, exhaust its memory or
 * be killed, and only the task it was running fails, with a {@link dev.sennit.process.WorkerCrashedException}.
 */
@NullMarked
package dev.sennit.process;

import org.jspecify.annotations.NullMarked;
