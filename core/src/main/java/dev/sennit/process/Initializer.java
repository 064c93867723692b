package dev.sennit.process;

import dev.sennit.Action;
import dev.sennit.Task;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.TaskCodec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The action of each worker before its first task. It is encoded once, when the pool opens. Each worker gets it as its
 * first task, before the pool gives tasks to its slot.
 */
final class Initializer {
    private final Class<?> written;
    private final EncodedTask message;
    private final boolean ours;

    /**
     * Encodes an action.
     *
     * @param sent collects the classes that are sent with the action
     */
    Initializer(Action action, AllowList sent) {
        this(action, sent, false);
    }

    private Initializer(Action action, AllowList sent, boolean ours) {
        this.ours = ours;
        written = action.getClass();
        message = TaskCodec.encode(new Body(action), written, "initializer", sent);
    }

    /**
     * Returns an initializer that does nothing. The first task of a JVM takes a hundred times as long as the second,
     * and a spare has time to run one in advance.
     */
    static Initializer firstTask() {
        return new Initializer(() -> {}, new AllowList(List.of()), true);
    }

    /** The task that travels. */
    private record Body(Action action) implements Task<@Nullable Void> {
        @Override
        public @Nullable Void call() throws Exception {
            action.perform();
            return null;
        }
    }

    /** Returns whether this is {@link #firstTask}, and not an initializer of the user. */
    boolean isOurs() {
        return ours;
    }

    EncodedTask message() {
        return message;
    }

    /** Returns the exception that the action threw in a worker. */
    Throwable failureIn(WorkerLink.Reply reply, AllowList allowed) {
        ClassLoader loader = written.getClassLoader();
        return TaskCodec.decodeFailure(
                reply.payload(), reply.length(), loader != null ? loader : ClassLoader.getSystemClassLoader(), allowed);
    }
}
