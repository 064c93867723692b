package dev.sennit;

import dev.sennit.internal.Throwables;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * After which attempts a {@link Retry} makes another: some failures, or some values.
 *
 * {@snippet :
 * RetryCondition unlucky = RetryCondition.onException(java.io.IOException.class)
 *         .and(RetryCondition.onMessage("no such host").not())
 *         .or(RetryCondition.onResult(Integer.class, status -> status >= 500));
 * System.out.println(Retry.attempts(3).when(unlucky).call(() -> 200));
 * }
 *
 * <p>An {@link Error} and an {@link InterruptedException} end the call whatever the condition says, and a {@link
 * TryAgainException} leads to another attempt whatever it says: it is not asked about these.
 *
 * <p>A condition is asked by every thread that uses the {@link Retry}, so it should be immutable, as all of these are.
 * What it throws ends the call.
 */
@FunctionalInterface
public interface RetryCondition {
    /**
     * Whether an attempt should be followed by another.
     *
     * @param attempt the attempt that has just ended
     * @return true for another attempt; false for the value, or the failure, as it is
     */
    boolean test(Attempt attempt);

    /**
     * Every exception but {@link InterruptedException} and {@link CancellationException}: who interrupts or cancels wants
     * no more of it. The default.
     *
     * @return the condition
     */
    static RetryCondition anyException() {
        return onFailure(RetryCondition::isAnyException);
    }

    /**
     * Exceptions of these types and their subtypes.
     *
     * @param types the types
     * @return the condition
     * @throws IllegalArgumentException if there is none
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // List.of only reads it
    static RetryCondition onException(Class<? extends Exception>... types) {
        List<Class<? extends Exception>> wanted = notEmpty(List.of(types));
        return onFailure(failure -> wanted.stream().anyMatch(type -> type.isInstance(failure)));
    }

    /**
     * {@link #anyException} but of these types and their subtypes.
     *
     * @param types the types that lead to no further attempt
     * @return the condition
     * @throws IllegalArgumentException if there is none
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // List.of only reads it
    static RetryCondition exceptException(Class<? extends Exception>... types) {
        List<Class<? extends Exception>> unwanted = notEmpty(List.of(types));
        return onFailure(failure ->
                isAnyException(failure) && unwanted.stream().noneMatch(type -> type.isInstance(failure)));
    }

    /**
     * Failures with a cause of this type or a subtype, however deep; the failure itself does not count.
     *
     * @param type the type, which may be that of an error
     * @return the condition
     */
    static RetryCondition onCause(Class<? extends Throwable> type) {
        Objects.requireNonNull(type, "type");
        return onFailure(failure -> hasCause(failure, type));
    }

    /**
     * Failures whose message matches somewhere.
     *
     * @param regex a regular expression that has to be found in the message
     * @return the condition; false for failures without a message
     * @throws java.util.regex.PatternSyntaxException if it is not a regular expression
     */
    static RetryCondition onMessage(String regex) {
        Predicate<String> found = Pattern.compile(regex).asPredicate();
        return onFailure(failure -> {
            String message = Throwables.message(failure);
            return message != null && found.test(message);
        });
    }

    /**
     * Values that are not good enough.
     *
     * @param unwanted true for a value, which may be null, that should be tried for again
     * @return the condition; false for failures
     */
    static RetryCondition onResult(Predicate<@Nullable Object> unwanted) {
        Objects.requireNonNull(unwanted, "unwanted");
        return attempt -> !attempt.failed() && unwanted.test(attempt.value());
    }

    /**
     * Values of one type that are not good enough.
     *
     * @param type the type
     * @param unwanted true for a value that should be tried for again
     * @param <T> the type
     * @return the condition; false for failures, and for values of other types and null
     */
    static <T> RetryCondition onResult(Class<T> type, Predicate<? super T> unwanted) {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(unwanted, "unwanted");
        return onResult(value -> type.isInstance(value) && unwanted.test(type.cast(value)));
    }

    /**
     * Met when this one and the other are. The other is not asked if this one is not.
     *
     * @param other the other
     * @return the combined condition
     */
    default RetryCondition and(RetryCondition other) {
        Objects.requireNonNull(other, "other");
        RetryCondition both = attempt -> test(attempt) && other.test(attempt);
        return this instanceof FailureCondition || other instanceof FailureCondition ? (FailureCondition) both::test : both;
    }

    /**
     * Met when this one or the other is. The other is not asked if this one is.
     *
     * @param other the other
     * @return the combined condition
     */
    default RetryCondition or(RetryCondition other) {
        Objects.requireNonNull(other, "other");
        RetryCondition either = attempt -> test(attempt) || other.test(attempt);
        return this instanceof FailureCondition && other instanceof FailureCondition ? (FailureCondition) either::test : either;
    }

    /**
     * Met when this one is not, by values too: {@code onException(...).not()} alone would try again after every success,
     * so it belongs behind an {@link #and}, and {@link #exceptException} is what is wanted most often.
     *
     * @return the opposite
     */
    default RetryCondition not() {
        return attempt -> !test(attempt);
    }

    private static RetryCondition onFailure(Predicate<Throwable> condition) {
        return (FailureCondition) attempt -> {
            Throwable failure = attempt.failure();
            return failure != null && condition.test(failure);
        };
    }

    private static boolean isAnyException(Throwable failure) {
        return failure instanceof Exception
                && !(failure instanceof InterruptedException || failure instanceof CancellationException);
    }

    private static boolean hasCause(Throwable failure, Class<? extends Throwable> type) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>()); // causes can form a ring
        seen.add(failure);
        Throwable cause = Throwables.cause(failure);
        while (cause != null && seen.add(cause)) {
            if (type.isInstance(cause)) {
                return true;
            }
            cause = Throwables.cause(cause);
        }
        return false;
    }

    private static List<Class<? extends Exception>> notEmpty(List<Class<? extends Exception>> types) {
        if (types.isEmpty()) {
            throw new IllegalArgumentException("types must not be empty");
        }
        return types;
    }
}
