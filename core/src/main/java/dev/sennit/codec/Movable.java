package dev.sennit.codec;

import dev.sennit.internal.ScopedValueBindings;
import java.util.List;

/**
 * An object that belongs to one process, and moves with the message that contains it: an end of a pipe. It learns what
 * became of the message, and of the process that was to read it.
 */
public interface Movable {
    /**
     * The list to which objects add themselves each time they are written while it is bound. The code that binds it
     * takes care of them.
     */
    ScopedValue<List<Movable>> WRITTEN = ScopedValueBindings.notInherited();

    /** Says that the message was not sent, and will not be. */
    void isNotSent();

    /** Says that a process was started that is to read the message. */
    void receiverStarted();

    /** Says that this process has ended, perhaps without having read the message. */
    void receiverEnded();
}
