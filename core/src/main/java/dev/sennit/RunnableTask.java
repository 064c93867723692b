package dev.sennit;

import org.jspecify.annotations.Nullable;

/** A {@link Runnable} seen as a {@link Task}; it can travel if the runnable and the result can. */
record RunnableTask<T extends @Nullable Object>(Runnable runnable, T result) implements Task<T>, Wrapping {
    /** A task without a result. */
    static Task<@Nullable Void> of(Runnable runnable) {
        return new RunnableTask<@Nullable Void>(runnable, null);
    }

    /** Runs it; an {@link Action} throws what its body threw. */
    static void perform(Runnable runnable) throws Exception {
        if (runnable instanceof Action action) {
            action.perform();
        } else {
            runnable.run();
        }
    }

    @Override
    public Object wrapped() {
        return runnable;
    }

    @Override
    public T call() throws Exception {
        perform(runnable);
        return result;
    }
}
