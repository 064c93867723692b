package dev.sennit.server.rest;

import dev.sennit.server.ResourceVersion;
import dev.sennit.server.WebRequest;
import java.util.Optional;

/** Knows which version is at the path of a request. */
@FunctionalInterface
public interface VersionSource {
    /**
     * Returns the version.
     *
     * @param request a request; its body must not be read
     * @return the version that is there; empty if nothing is there
     * @throws Exception which is logged, and answered with 500
     */
    Optional<ResourceVersion> version(WebRequest request) throws Exception;
}
