package dev.sennit;

import org.jspecify.annotations.Nullable;

/** A {@link Runnable} as a {@link Task}; serializable if the runnable and the result are. */
record RunnableTask<T extends @Nullable Object>(Runnable runnable, T result) implements Task<T>, Wrapping {
    /** Returns a task without a result. */
    static Task<@Nullable Void> of(Runnable runnable) {
        return new RunnableTask<@Nullable Void>(runnable, null);
    }

    /** Runs a runnable; the exception of an {@link Action}'s body is thrown as it is. */
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
