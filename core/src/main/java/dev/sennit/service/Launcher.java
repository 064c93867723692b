package dev.sennit.service;

import java.io.IOException;

/** Starts runs. Each generation of a service has a launcher for each slot, which has everything that its runs need. */
interface Launcher {
    /**
     * Starts a run.
     *
     * @param listener a listener of the run, which may be called before this method returns
     * @return the run, which has a process
     * @throws IOException if there is no process; then the listener is not called. The message is one line that says
     *     what cannot start, why, and what to do
     */
    Run start(RunListener listener) throws IOException;
}
