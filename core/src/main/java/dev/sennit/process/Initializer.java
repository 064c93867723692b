package dev.sennit.process;

import dev.sennit.Action;
import dev.sennit.Task;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.TaskCodec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What each worker does before its first task: encoded once, when the pool opens, and then the first task that each
 * worker is sent, before its slot is offered any.
 */
final class Initializer {
    private final Class<?> written;
    private final EncodedTask message;
    private final boolean ours;

    /**
     * Encodes an action.
     *
     * @param sent learns what is sent with it
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
     * Does nothing: the first task of a JVM takes a hundred times as long as the second, and a spare has time for it.
     */
    static Initializer firstTask() {
        return new Initializer(() -> {}, new AllowList(List.of()), true);
    }

    /** What travels. */
    private record Body(Action action) implements Task<@Nullable Void> {
        @Override
        public @Nullable Void call() throws Exception {
            action.perform();
            return null;
        }
    }

    /** Whether it is {@link #firstTask}, of which the user knows nothing. */
    boolean isOurs() {
        return ours;
    }

    EncodedTask message() {
        return message;
    }

    /** What it threw in a worker. */
    Throwable failureIn(WorkerLink.Reply reply, AllowList allowed) {
        ClassLoader loader = written.getClassLoader();
        return TaskCodec.decodeFailure(
                reply.payload(), reply.length(), loader != null ? loader : ClassLoader.getSystemClassLoader(), allowed);
    }
}
