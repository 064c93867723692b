package dev.sennit;

import org.jspecify.annotations.Nullable;

/** An {@link ItemAction} as a function without a result. */
record ForItem<A extends @Nullable Object>(ItemAction<? super A> action)
        implements TaskFunction<A, @Nullable Void>, Wrapping {
    private static final long serialVersionUID = 1L;

    @Override
    public Object wrapped() {
        return action;
    }

    @Override
    public @Nullable Void call(A item) throws Exception {
        action.perform(item);
        return null;
    }
}
