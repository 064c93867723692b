package dev.sennit.service;

import java.io.IOException;

/** Starts runs: one launcher for each generation of a service and each slot, made with all that its runs need. */
interface Launcher {
    /**
     * Starts a run.
     *
     * @param listener is told of the run, perhaps before this method returns
     * @return the run, which has a process
     * @throws IOException if there is none, and the listener is told of no end; its message is one line that says what
     *     cannot start, why, and what to do
     */
    Run start(RunListener listener) throws IOException;
}
