package dev.sennit.service;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The state of a worker at a moment.
 *
 * @param service the name of its service
 * @param id its number
 * @param state its state
 * @param since when this state began
 * @param why the cause of this state, one line
 * @param pid its process; 0 if none runs
 * @param generation the generation of that process; 0 if none runs
 * @param started when that process was started; empty if none runs
 * @param heartbeatAge the time since the last heartbeat of that process; empty if it has given none
 * @param work the pieces of work that this process has done
 * @param restarts how often a process was started because another had died
 * @param replacements how often a process took the place of one that was still running
 * @param lastEnd how the last process ended, one line; empty if none has ended
 * @param isReplacing whether another process is starting to take its place
 */
public record SlotStatus(
        String service,
        int id,
        SlotState state,
        Instant since,
        String why,
        long pid,
        long generation,
        Optional<Instant> started,
        Optional<Duration> heartbeatAge,
        long work,
        long restarts,
        long replacements,
        String lastEnd,
        boolean isReplacing) {

    /** Returns the same status with another heartbeat and amount of work. */
    SlotStatus with(Optional<Duration> newHeartbeatAge, long newWork) {
        return new SlotStatus(
                service, id, state, since, why, pid, generation, started, newHeartbeatAge, newWork, restarts,
                replacements, lastEnd, isReplacing);
    }
}
