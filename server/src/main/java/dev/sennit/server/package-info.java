/**
 * An application server: HTTP in the workers of a {@link dev.sennit.service.ServiceManager}, which replaces workers
 * without losing a request. {@link dev.sennit.server.WebService} is the way in.
 */
@NullMarked
package dev.sennit.server;

import org.jspecify.annotations.NullMarked;
