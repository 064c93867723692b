package dev.sennit.codec;

import dev.sennit.internal.Unreachable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The objects that move with a message. The message may never be sent: a pool may refuse or drop the task. The message
 * holds the handover; if the message becomes unreachable before it was sent, the objects belong to this process as
 * before.
 */
public final class Handover {
    private static final Unreachable LOST = new Unreachable("sennit-messages");

    private final Contents contents;

    private Handover(List<Movable> moved) {
        contents = new Contents(List.copyOf(moved));
        LOST.register(this, contents::lost);
    }

    /** Returns null if no objects move. */
    static @Nullable Handover of(List<Movable> moved) {
        return moved.isEmpty() ? null : new Handover(moved);
    }

    /** Notes that the message is about to leave this process. */
    public void isSent() {
        contents.sent = true;
    }

    /** Notes that the receiving process has not read the message, and will not. */
    public void isTakenBack() {
        contents.sent = false;
    }

    /** Does not refer to the handover, as it is told when that is lost. */
    private static final class Contents {
        private final List<Movable> moved;
        private volatile boolean sent;

        Contents(List<Movable> moved) {
            this.moved = moved;
        }

        void lost() {
            if (!sent) {
                moved.forEach(Movable::isNotSent);
            }
        }
    }
}
