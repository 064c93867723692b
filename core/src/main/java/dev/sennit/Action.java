package dev.sennit;

import java.io.Serializable;

/**
 * A piece of work without a result that may throw and may leave this JVM: a {@link Runnable} that is
 * {@link Serializable}.
 *
 * <p>The counterpart of {@link Task} for lambdas that return nothing. Every method that takes an action also takes a
 * {@link Runnable}; an action is more specific, so the compiler picks it for every lambda and method reference:
 *
 * {@snippet :
 * try (Pool pool = Pools.open("processes:2")) {
 *     pool.submit(() -> {
 *         Thread.sleep(10); // InterruptedException is no concern of this block
 *         System.out.println("slept");
 *     }).join();
 * }
 * }
 *
 * <p>A class implements {@link #perform}. {@link #run} is for code that knows only {@code Runnable}.
 */
@FunctionalInterface
@SuppressWarnings("FunctionalInterfaceMethodChanged") // overloads prefer this type, which may throw, for lambdas
public interface Action extends Runnable, Serializable {

    /**
     * Does the work. Pools call this method, so the future fails with the exception itself.
     *
     * @throws Exception if the body throws it
     */
    void perform() throws Exception;

    /**
     * Calls {@link #perform}. A checked exception becomes the cause of a {@link
     * java.util.concurrent.CompletionException}; after an {@link InterruptedException} the interrupt status is set.
     */
    @Override
    @SuppressWarnings("FunctionalInterfaceMethodChanged") // it does the same, and wraps checked exceptions
    default void run() {
        try {
            perform();
        } catch (Exception e) {
            throw Unchecked.of(e);
        }
    }
}
