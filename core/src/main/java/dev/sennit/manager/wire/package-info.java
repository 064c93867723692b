/**
 * The protocol between managers and their clients: messages, the sockets that carry them, and the methods that they
 * name. The package depends on neither side.
 */
@NullMarked
package dev.sennit.manager.wire;

import org.jspecify.annotations.NullMarked;
