package dev.sennit;

import java.io.Serializable;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A task that runs in the context of its submitter; serializable if the task and all captured values are.
 *
 * @param contexts the contexts, the outermost first
 */
record InContext<T extends @Nullable Object>(Callable<T> body, List<Captured<?>> contexts)
        implements Task<T>, Wrapping {
    private static final long serialVersionUID = 1L;

    /** A context, and the value that it captured in the submitting thread. */
    record Captured<C>(TaskContext<C> context, C value) implements Serializable {
        private static final long serialVersionUID = 1L;

        <T extends @Nullable Object> T around(Callable<T> body) throws Exception {
            return context.around(value, body);
        }
    }

    @Override
    public Object wrapped() {
        return body;
    }

    @Override
    public T call() throws Exception {
        return call(0);
    }

    private T call(int next) throws Exception {
        return next == contexts.size() ? body.call() : contexts.get(next).around(() -> call(next + 1));
    }
}
