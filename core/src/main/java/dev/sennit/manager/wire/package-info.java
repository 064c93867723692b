/**
 * The protocol between managers and their clients: messages, the sockets they go through, and the methods they name. The package knows
 * neither side.
 */
@NullMarked
package dev.sennit.manager.wire;

import org.jspecify.annotations.NullMarked;
