package dev.sennit;

import dev.sennit.InContext.Captured;
import dev.sennit.TaskContext.Registration;
import java.io.NotSerializableException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The registered contexts. Wraps tasks in the captured values; a task without captured values is not wrapped. */
final class TaskContexts {
    private static final Registered[] NONE = {};
    /** The first is the outermost. An array is never changed. */
    private static final AtomicReference<Registered[]> REGISTERED = new AtomicReference<>(NONE);

    private TaskContexts() {}

    static Registration register(TaskContext<?> context) {
        var added = new Registered(Objects.requireNonNull(context, "context"));
        REGISTERED.updateAndGet(before -> {
            Registered[] after = Arrays.copyOf(before, before.length + 1);
            after[before.length] = added;
            return after;
        });
        return added;
    }

    /** A class, not a record, as registrations have identity. */
    private static final class Registered implements Registration {
        final TaskContext<?> context;

        Registered(TaskContext<?> context) {
            this.context = context;
        }

        @Override
        public void close() {
            REGISTERED.updateAndGet(
                    before -> Arrays.stream(before).filter(one -> one != this).toArray(Registered[]::new));
        }
    }

    /**
     * Wraps a body that is no task in the context of the calling thread.
     *
     * @param inherits whether it inherits all scoped values of the calling thread
     * @return the wrapped body, or the body itself if there are no captured values
     */
    static <T extends @Nullable Object> Callable<T> carry(Callable<T> body, boolean inherits) {
        return carry(body, null, TaskOptions.NONE, false, inherits);
    }

    /**
     * Wraps a task in the context of the calling thread.
     *
     * @param pool the pool that is to run it; null if it is no task
     * @param travels whether the task leaves this JVM
     * @param inherits whether the task inherits all scoped values of the calling thread; not together with
     *     {@code travels}
     * @return the wrapped body, or the body itself if there are no captured values
     */
    static <T extends @Nullable Object> Callable<T> carry(
            Callable<T> body, @Nullable Pool pool, TaskOptions options, boolean travels, boolean inherits) {
        Registered[] registered = REGISTERED.get();
        if (registered.length == 0 && !inherits) {
            return body;
        }
        Objects.requireNonNull(body, "task");
        List<Captured<?>> captured = new ArrayList<>(registered.length + 1);
        if (inherits) {
            add(captured, InheritedScopedValues.CONTEXT, false);
        }
        try {
            for (Registered one : registered) {
                if (travels && !(one.context instanceof Serializable)) {
                    continue;
                }
                if (pool != null && one.context instanceof TaskTracker<?> tracker) {
                    add(captured, tracker, submitted(body, pool, options), travels);
                } else {
                    add(captured, one.context, travels);
                }
            }
        } catch (Throwable e) {
            if (pool != null) {
                Tracked.refused(captured, e);
            }
            throw e;
        }
        return captured.isEmpty() ? body : new InContext<>(body, captured);
    }

    private static TaskTracker.Submitted submitted(Callable<?> body, Pool pool, TaskOptions options) {
        String given = options.name();
        return new TaskTracker.Submitted(given != null ? given : TaskNames.of(body), pool);
    }

    private static <C> void add(
            List<Captured<?>> captured, TaskTracker<C> tracker, TaskTracker.Submitted task, boolean travels) {
        C value = tracker.capture(task);
        if (value != null) {
            captured.add(new Captured<>(tracker, value)); // first: it is told of whatever follows
            ensureTravels(tracker, value, travels);
        }
    }

    private static <C> void add(List<Captured<?>> captured, TaskContext<C> context, boolean travels) {
        C value = context.capture();
        if (value != null) {
            ensureTravels(context, value, travels);
            captured.add(new Captured<>(context, value));
        }
    }

    private static void ensureTravels(TaskContext<?> context, Object value, boolean travels) {
        if (travels && !(value instanceof Serializable)) {
            throw new TaskSerializationException(
                    "context " + context.getClass().getName() + " cannot travel: it captured a "
                            + value.getClass().getName()
                            + ", which is not Serializable",
                    new NotSerializableException(value.getClass().getName()));
        }
    }
}
