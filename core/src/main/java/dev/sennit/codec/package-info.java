/**
 * Turns tasks, results and messages into bytes and back, and decides which classes may be read. The package depends on
 * neither processes, pipes, managers nor shared memory: they register what the encoding of their objects needs.
 */
@NullMarked
package dev.sennit.codec;

import org.jspecify.annotations.NullMarked;
