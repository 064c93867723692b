package dev.sennit.manager;

import dev.sennit.Event;
import java.time.Duration;

/** An {@link Event} in a manager: a gate that can be opened for all processes, and closed again. */
public interface ManagedEvent {
    /** Sets this event, and ends all waits for it. */
    void set();

    /** Clears this event: a wait that begins from now on ends with the next {@link #set}. */
    void clear();

    /**
     * Returns whether this event is set.
     *
     * @return true from {@link #set} to {@link #clear}
     */
    boolean isSet();

    /**
     * Waits until this event is set.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     */
    void await() throws InterruptedException;

    /**
     * Waits until this event is set, for some time at most.
     *
     * @param timeout the longest to wait; zero or less does not wait
     * @return false if the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     */
    boolean await(Duration timeout) throws InterruptedException;
}
