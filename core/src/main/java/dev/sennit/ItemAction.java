package dev.sennit;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What {@link Pool#forEach} does with an item: a consumer that may throw, and may leave this JVM.
 *
 * @param <A> the type of an item
 */
@FunctionalInterface
public interface ItemAction<A extends @Nullable Object> extends Serializable {
    /**
     * Does it.
     *
     * @param item the item
     * @throws Exception whatever went wrong
     */
    void accept(A item) throws Exception;
}
