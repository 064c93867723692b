package dev.sennit.service;

/**
 * What a slot is to do. A level, not a message: the newest counts.
 *
 * @param generation what a process that is started runs
 * @param isWanted whether a process shall run; if not, those that run are stopped
 * @param mayStart whether a process may be started where none runs
 * @param mayReplace whether a process that runs may be replaced now
 * @param restarts how often somebody has asked for a restart of this slot; a process that was started before the last
 *     is replaced
 * @param reloads how often the service has been reloaded in place
 */
record Order(Generation generation, boolean isWanted, boolean mayStart, boolean mayReplace, long restarts,
        long reloads) {}
