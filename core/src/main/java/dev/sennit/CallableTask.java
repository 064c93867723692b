package dev.sennit;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A {@link Callable} as a {@link Task}; serializable if the callable is. */
record CallableTask<T extends @Nullable Object>(Callable<T> callable) implements Task<T>, Wrapping {
    private static final long serialVersionUID = 1L;

    static <T extends @Nullable Object> Task<T> of(Callable<T> callable) {
        return callable instanceof Task<T> task ? task : new CallableTask<>(callable);
    }

    @Override
    public Object wrapped() {
        return callable;
    }

    @Override
    public T call() throws Exception {
        return callable.call();
    }
}
