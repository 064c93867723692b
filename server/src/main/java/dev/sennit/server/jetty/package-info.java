/**
 * Lets other artifacts of Sennit answer requests by handlers of Jetty in the server of a worker. Exported to
 * {@code sennit-servlet} alone: it may change with any version.
 */
@NullMarked
package dev.sennit.server.jetty;

import org.jspecify.annotations.NullMarked;
