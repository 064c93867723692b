/**
 * Connections between processes of this machine, which carry objects and bytes: {@link dev.sennit.pipe.Pipe}.
 *
 * <p>{@link dev.sennit.pipe.Connection} is one end, which can be given to another process; {@link dev.sennit.pipe.ConnectionListener} waits for
 * processes that know only its address.
 */
@NullMarked
package dev.sennit.pipe;

import org.jspecify.annotations.NullMarked;
