package dev.sennit.service;

/**
 * The order of the manager to a slot. An order is a state, not a message: only the newest counts.
 *
 * @param generation the generation of new processes
 * @param isWanted whether a process has to run; if not, running processes are stopped
 * @param mayStart whether a process may be started if none runs
 * @param mayReplace whether a running process may be replaced now
 * @param restarts the number of requests to restart this slot; a process that was started before the last request is
 *     replaced
 * @param reloads how often the service has been reloaded in place
 */
record Order(Generation generation, boolean isWanted, boolean mayStart, boolean mayReplace, long restarts,
        long reloads) {}
