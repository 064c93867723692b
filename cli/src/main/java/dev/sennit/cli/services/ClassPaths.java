package dev.sennit.cli.services;

import java.nio.file.Path;
import java.util.List;

/** The class paths of services, with Sennit on them. */
@FunctionalInterface
interface ClassPaths {
    /**
     * Returns the class path of a service.
     *
     * @param parts what the service names
     * @param hasServlets whether it serves Servlets
     */
    List<Path> of(List<Path> parts, boolean hasServlets);
}
