package dev.sennit.codec;

import java.io.InvalidClassException;
import java.io.ObjectInputFilter;
import org.jspecify.annotations.Nullable;

/**
 * The filter that holds for all that a JVM reads by Java serialization, where there is one: {@code -Djdk.serialFilter}. Workers have that
 * of their parent, and read tasks through it; a stream that it refuses does not say what was refused.
 */
final class JvmFilter {
    private static final String OURS = "dev.sennit";
    private static final String REFUSAL = "filter status: REJECTED";

    private JvmFilter() {}

    /**
     * A failure to read, in words that say what to do.
     *
     * @param failure what the stream threw
     * @param last the class that it met last, if it met one
     * @return the same failure, if it was no filter's doing
     */
    static InvalidClassException explained(InvalidClassException failure, @Nullable Class<?> last) {
        return ObjectInputFilter.Config.getSerialFilter() == null || !REFUSAL.equals(failure.getMessage())
                ? failure
                : explanation(failure, last);
    }

    static InvalidClassException explanation(InvalidClassException failure, @Nullable Class<?> last) {
        Class<?> element = last;
        while (element != null && element.isArray()) {
            element = element.getComponentType();
        }
        String advice = element == null || element.isPrimitive()
                ? "a task is larger than the filter of this whole JVM, jdk.serialFilter, lets through; raise its limits"
                : "class " + element.getName() + " is refused by the filter of this whole JVM, jdk.serialFilter, through which tasks are"
                        + " read; add \"" + patternFor(element) + "\" before what refuses it, or raise its limits";
        return new InvalidClassException(advice, failure);
    }

    /** With what each task is made of. */
    private static String patternFor(Class<?> type) {
        String packageName = type.getPackageName();
        if (packageName.startsWith(OURS)) {
            return OURS + ".**";
        }
        return (packageName.isEmpty() ? type.getName() : packageName + ".*") + ";" + OURS + ".**;java.lang.invoke.*";
    }
}
