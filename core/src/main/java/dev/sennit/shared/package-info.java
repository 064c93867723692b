/**
 * Memory that processes of this machine share, and objects that live in it; start at
 * {@link dev.sennit.shared.SharedMemory}.
 *
 * <p>The objects are numbers, such as {@link dev.sennit.shared.SharedLong}, arrays, such as
 * {@link dev.sennit.shared.SharedLongArray}, {@link dev.sennit.shared.SharedList} and
 * {@link dev.sennit.shared.SharedQueue}, and the synchronizers {@link dev.sennit.shared.SharedLock},
 * {@link dev.sennit.shared.SharedSemaphore}, {@link dev.sennit.shared.SharedBarrier} and
 * {@link dev.sennit.shared.SharedEvent}.
 *
 * <p>{@link dev.sennit.shared.InterProcessLock} is a lock on a file, for programs that share nothing else.
 */
@NullMarked
package dev.sennit.shared;

import org.jspecify.annotations.NullMarked;
