package dev.sennit.codec;

import dev.sennit.internal.ScopedValueBindings;
import java.util.List;

/**
 * An object that belongs to one process, and moves with the message it is written into: an end of a pipe. It is told what became of the
 * message, and of the process that was to read it.
 */
public interface Movable {
    /** Where objects note themselves when they are written while it is bound, once for each time. Whoever has bound it takes care of them. */
    ScopedValue<List<Movable>> WRITTEN = ScopedValueBindings.notInherited();

    /** The message has gone nowhere, and will not. */
    void isNotSent();

    /** A process was started that is to read the message. */
    void receiverStarted();

    /** That process has ended; maybe without having read the message. */
    void receiverEnded();
}
