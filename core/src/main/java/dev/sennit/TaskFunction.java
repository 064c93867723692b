package dev.sennit;

import java.io.Serializable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A function that may leave this JVM, applied to each item by {@link Pool#map} and {@link Pool#mapping}: a {@link
 * Function} that is {@link Serializable}, and may throw.
 *
 * <p>The methods that take a task function also take a {@link Function}; this type is more specific, so the compiler
 * picks it for every lambda and method reference. A class implements {@link #call}.
 *
 * @param <A> the type of the argument
 * @param <R> the type of the result
 */
@FunctionalInterface
@SuppressWarnings("FunctionalInterfaceMethodChanged") // overloads prefer this type, which may throw, for lambdas
public interface TaskFunction<A extends @Nullable Object, R extends @Nullable Object>
        extends Function<A, R>, Serializable {

    /**
     * Calls this function. Pools call this method, so the caller of {@code map} gets the exception itself as a cause.
     *
     * @param argument the item
     * @return the result
     * @throws Exception if the body throws it; it then becomes the failure of the whole {@code map}
     */
    R call(A argument) throws Exception;

    /**
     * Calls {@link #call}. A checked exception becomes the cause of a {@link java.util.concurrent.CompletionException};
     * after an {@link InterruptedException} the interrupt status is set.
     *
     * @param argument the item
     * @return the result
     */
    @Override
    @SuppressWarnings("FunctionalInterfaceMethodChanged") // it does the same, and wraps checked exceptions
    default R apply(A argument) {
        try {
            return call(argument);
        } catch (Exception e) {
            throw Unchecked.of(e);
        }
    }
}
