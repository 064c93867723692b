package dev.sennit;

import org.jspecify.annotations.Nullable;

/** A {@link Runnable} seen as a {@link Task}; it can travel if the runnable and the result can. */
record RunnableTask<T extends @Nullable Object>(Runnable runnable, T result) implements Task<T>, Wrapping {
    @Override
    public Object wrapped() {
        return runnable;
    }

    @Override
    public T call() {
        runnable.run();
        return result;
    }
}
