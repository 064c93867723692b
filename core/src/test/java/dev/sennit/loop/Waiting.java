package dev.sennit.loop;

import dev.sennit.Task;

/** A task that waits and has no value. */
interface Waiting extends Task<Boolean> {
    void end() throws InterruptedException;

    @Override
    default Boolean call() throws InterruptedException {
        end();
        return true;
    }
}
