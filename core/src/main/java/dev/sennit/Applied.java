package dev.sennit;

import org.jspecify.annotations.Nullable;

/** A {@link TaskFunction} and its argument, as a task. */
record Applied<A extends @Nullable Object, R extends @Nullable Object>(
        TaskFunction<? super A, ? extends R> function, A argument) implements Task<R>, Wrapping {
    private static final long serialVersionUID = 1L;

    @Override
    public Object wrapped() {
        return function;
    }

    @Override
    public R call() throws Exception {
        return function.call(argument);
    }
}
