package dev.sennit;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A parsed plan string: {@code KIND[:ARGUMENT][?NAME=VALUE[&NAME=VALUE...]]}.
 *
 * <p>{@code processes:4?heap=256m&backlog=100} has the kind {@code processes}, the argument {@code 4} and two options.
 * The kind defines the meaning of argument and options.
 *
 * @param kind the first word, which selects the {@link PoolProvider}
 * @param argument the text after the colon, or null
 * @param options the options in the order they were written
 */
public record Plan(String kind, @Nullable String argument, Map<String, String> options) {
    /** Copies the options. */
    public Plan {
        Objects.requireNonNull(kind, "kind");
        options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    }

    /**
     * Parses a plan string.
     *
     * @param text the plan
     * @return the plan
     * @throws IllegalArgumentException if it is empty, or an option has no value or is given twice
     */
    public static Plan parse(String text) {
        int question = text.indexOf('?');
        String head = question < 0 ? text : text.substring(0, question);
        int colon = head.indexOf(':');
        String kind = colon < 0 ? head : head.substring(0, colon);
        if (kind.isEmpty()) {
            throw new IllegalArgumentException("plan \"" + text + "\": no kind of pool is named");
        }
        String argument = colon < 0 ? null : head.substring(colon + 1);
        if (argument != null && argument.isEmpty()) {
            throw new IllegalArgumentException("plan \"" + text + "\": nothing follows the colon");
        }
        Map<String, String> options = new LinkedHashMap<>();
        if (question >= 0) {
            for (String option : text.substring(question + 1).split("&", -1)) {
                int equals = option.indexOf('=');
                if (equals <= 0 || equals == option.length() - 1) {
                    throw new IllegalArgumentException(
                            "plan \"" + text + "\": expected NAME=VALUE after ? and &, was \"" + option + "\"");
                }
                String name = option.substring(0, equals);
                if (options.put(name, option.substring(equals + 1)) != null) {
                    throw new IllegalArgumentException("plan \"" + text + "\": option " + name + " is given twice");
                }
            }
        }
        return new Plan(kind, argument, options);
    }

    /**
     * Returns the plan as it is written.
     *
     * @return a string that {@link #parse} reads
     */
    @Override
    public String toString() {
        var text = new StringBuilder(kind);
        if (argument != null) {
            text.append(':').append(argument);
        }
        char separator = '?';
        for (var option : options.entrySet()) {
            text.append(separator).append(option.getKey()).append('=').append(option.getValue());
            separator = '&';
        }
        return text.toString();
    }
}
