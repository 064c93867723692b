/**
 * What managers and their clients say to each other: messages, the sockets they go through, and the methods they name. Knows neither side.
 */
@NullMarked
package dev.sennit.manager.wire;

import org.jspecify.annotations.NullMarked;
