package dev.sennit;

import java.io.Serializable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The action of {@link Pool#forEach} on an item: a {@link Consumer} that is {@link Serializable}, and may throw. A
 * class implements {@link #perform}.
 *
 * @param <A> the type of an item
 */
@FunctionalInterface
@SuppressWarnings("FunctionalInterfaceMethodChanged") // overloads prefer this type, which may throw, for lambdas
public interface ItemAction<A extends @Nullable Object> extends Consumer<A>, Serializable {
    /**
     * Performs the action. Pools call this method.
     *
     * @param item the item
     * @throws Exception if the body throws it; it then becomes the failure of the whole {@code forEach}
     */
    void perform(A item) throws Exception;

    /**
     * Calls {@link #perform}. A checked exception becomes the cause of a {@link
     * java.util.concurrent.CompletionException}; after an {@link InterruptedException} the interrupt status is set.
     *
     * @param item the item
     */
    @Override
    @SuppressWarnings("FunctionalInterfaceMethodChanged") // it does the same, and wraps checked exceptions
    default void accept(A item) {
        try {
            perform(item);
        } catch (Exception e) {
            throw Unchecked.of(e);
        }
    }
}
