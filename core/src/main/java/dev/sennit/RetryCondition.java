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
 * Decides after which failures, or values, a {@link Retry} makes another attempt.
 *
 * {@snippet :
 * RetryCondition unlucky = RetryCondition.onException(java.io.IOException.class)
 *         .and(RetryCondition.onMessage("no such host").not())
 *         .or(RetryCondition.onResult(Integer.class, status -> status >= 500));
 * System.out.println(Retry.attempts(3).when(unlucky).call(() -> 200));
 * }
 *
 * <p>The condition is not called for an {@link Error} or an {@link InterruptedException}, which end the call, nor for a
 * {@link TryAgainException}, which leads to another attempt.
 *
 * <p>Every thread that uses the {@link Retry} calls its condition, which should be immutable, as all of these are. An
 * exception of the condition ends the call.
 */
@FunctionalInterface
public interface RetryCondition {
    /**
     * Returns whether another attempt should follow.
     *
     * @param attempt the attempt that has just ended
     * @return true for another attempt; false to end the call with this value or failure
     */
    boolean test(Attempt attempt);

    /**
     * Returns a condition that every exception meets but {@link InterruptedException} and
     * {@link CancellationException}, as an interrupted or cancelled call should not go on. The default.
     *
     * @return the condition
     */
    static RetryCondition anyException() {
        return onFailure(RetryCondition::isAnyException);
    }

    /**
     * Returns a condition that exceptions of these types and their subtypes meet.
     *
     * @param types the types
     * @return the condition
     * @throws IllegalArgumentException if the array is empty
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // List.of only reads it
    static RetryCondition onException(Class<? extends Exception>... types) {
        List<Class<? extends Exception>> wanted = notEmpty(List.of(types));
        return onFailure(failure -> wanted.stream().anyMatch(type -> type.isInstance(failure)));
    }

    /**
     * Returns {@link #anyException}, except for these types and their subtypes.
     *
     * @param types the types that lead to no further attempt
     * @return the condition
     * @throws IllegalArgumentException if the array is empty
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // List.of only reads it
    static RetryCondition exceptException(Class<? extends Exception>... types) {
        List<Class<? extends Exception>> unwanted = notEmpty(List.of(types));
        return onFailure(
                failure -> isAnyException(failure) && unwanted.stream().noneMatch(type -> type.isInstance(failure)));
    }

    /**
     * Returns a condition that failures meet with a cause of this type or a subtype, however deep; the failure itself
     * does not count.
     *
     * @param type the type, which may be an error type
     * @return the condition
     */
    static RetryCondition onCause(Class<? extends Throwable> type) {
        Objects.requireNonNull(type, "type");
        return onFailure(failure -> hasCause(failure, type));
    }

    /**
     * Returns a condition that failures meet whose message has a match.
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
     * Returns a condition that unwanted values meet.
     *
     * @param unwanted returns true for a value, which may be null, that is worth another attempt
     * @return the condition; false for failures
     */
    static RetryCondition onResult(Predicate<@Nullable Object> unwanted) {
        Objects.requireNonNull(unwanted, "unwanted");
        return attempt -> !attempt.failed() && unwanted.test(attempt.value());
    }

    /**
     * Returns a condition that unwanted values of a type meet.
     *
     * @param type the type
     * @param unwanted returns true for a value that is worth another attempt
     * @param <T> the type
     * @return the condition; false for failures, and for values of other types and null
     */
    static <T> RetryCondition onResult(Class<T> type, Predicate<? super T> unwanted) {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(unwanted, "unwanted");
        return onResult(value -> type.isInstance(value) && unwanted.test(type.cast(value)));
    }

    /**
     * Returns a condition that is met when this condition and another are. The other is not called if this one is not
     * met.
     *
     * @param other the other condition
     * @return the combined condition
     */
    default RetryCondition and(RetryCondition other) {
        Objects.requireNonNull(other, "other");
        RetryCondition both = attempt -> test(attempt) && other.test(attempt);
        return this instanceof FailureCondition || other instanceof FailureCondition
                ? (FailureCondition) both::test
                : both;
    }

    /**
     * Returns a condition that is met when this condition or another is. The other is not called if this one is met.
     *
     * @param other the other condition
     * @return the combined condition
     */
    default RetryCondition or(RetryCondition other) {
        Objects.requireNonNull(other, "other");
        RetryCondition either = attempt -> test(attempt) || other.test(attempt);
        return this instanceof FailureCondition && other instanceof FailureCondition
                ? (FailureCondition) either::test
                : either;
    }

    /**
     * Returns a condition that is met when this condition is not. Values meet it too: {@code onException(...).not()}
     * alone leads to another attempt after every success. So use it inside an {@link #and}; mostly
     * {@link #exceptException} is the better choice.
     *
     * @return the negated condition
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
