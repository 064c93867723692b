package dev.sennit;

import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A {@link Consumer} as an {@link ItemAction}; serializable if the consumer is. */
record PlainItemAction<A extends @Nullable Object>(Consumer<? super A> consumer) implements ItemAction<A>, Wrapping {
    private static final long serialVersionUID = 1L;

    static <A extends @Nullable Object> ItemAction<? super A> of(Consumer<? super A> consumer) {
        Objects.requireNonNull(consumer, "action");
        return consumer instanceof ItemAction<? super A> action ? action : new PlainItemAction<A>(consumer);
    }

    @Override
    public Object wrapped() {
        return consumer;
    }

    @Override
    public void perform(A item) {
        consumer.accept(item);
    }
}
