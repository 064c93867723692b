package dev.sennit.codec;

import dev.sennit.internal.Unreachable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The objects that move with a message. The message may yet go nowhere: a pool refuses the task, say, or drops it. The message holds the handover;
 * once the message is unreachable, and was not sent, the objects belong to this process as before.
 */
public final class Handover {
    private static final Unreachable LOST = new Unreachable("sennit-messages");

    private final Contents contents;

    private Handover(List<Movable> moved) {
        contents = new Contents(List.copyOf(moved));
        LOST.register(this, contents::lost);
    }

    /** Null where nothing moves. */
    static @Nullable Handover of(List<Movable> moved) {
        return moved.isEmpty() ? null : new Handover(moved);
    }

    /** The message is about to leave this process. */
    public void isSent() {
        contents.sent = true;
    }

    /** The process that it was sent to has not read it, and will not. */
    public void isTakenBack() {
        contents.sent = false;
    }

    /** Does not know the handover, whose loss it is told of. */
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
