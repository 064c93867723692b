package dev.sennit.codec;

import java.io.InvalidClassException;
import java.io.ObjectInputFilter;
import org.jspecify.annotations.Nullable;

/**
 * The filter for everything that a JVM reads by Java serialization, if there is one: {@code -Djdk.serialFilter}.
 * Workers have the filter of their parent, and read tasks through it; a stream that the filter refuses does not say
 * what was refused.
 */
final class JvmFilter {
    private static final String OURS = "dev.sennit";
    private static final String REFUSAL = "filter status: REJECTED";

    private JvmFilter() {}

    /**
     * Explains a failure to read.
     *
     * @param failure what the stream threw
     * @param last the class that the stream met last, if any
     * @return the same failure if it does not come from the filter
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
                : "class " + element.getName()
                        + " is refused by the filter of this whole JVM, jdk.serialFilter, through which tasks are"
                        + " read; add \"" + patternFor(element) + "\" before what refuses it, or raise its limits";
        return new InvalidClassException(advice, failure);
    }

    /** Returns a pattern for a class, and for the classes that every task contains. */
    private static String patternFor(Class<?> type) {
        String packageName = type.getPackageName();
        if (packageName.startsWith(OURS)) {
            return OURS + ".**";
        }
        return (packageName.isEmpty() ? type.getName() : packageName + ".*") + ";" + OURS + ".**;java.lang.invoke.*";
    }
}
