/**
 * Connections between processes of this machine that carry objects and bytes; start at {@link dev.sennit.pipe.Pipe}.
 *
 * <p>A {@link dev.sennit.pipe.Connection} is one end, which can be given to another process; a
 * {@link dev.sennit.pipe.ConnectionListener} waits for processes that know only its address.
 */
@NullMarked
package dev.sennit.pipe;

import org.jspecify.annotations.NullMarked;
