package dev.sennit.cli.services;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Replaces <code>${NAME}</code> and <code>${NAME:-default}</code> in texts, as a shell does: an empty variable has the
 * default too. <code>$${</code> stands for <code>${</code>.
 */
final class Variables {
    private static final Pattern MARK = Pattern.compile("(\\$?)\\$\\{");
    private static final Pattern VARIABLE = Pattern.compile("([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?}");

    private final Map<String, String> environment;

    Variables(Map<String, String> environment) {
        this.environment = environment;
    }

    /** Returns whether a text has a variable, or what looks like the begin of one. */
    static boolean isIn(String text) {
        return text.contains("${");
    }

    /**
     * Replaces all variables of a text.
     *
     * @throws IllegalArgumentException if one is not set and has no default, or is malformed
     */
    String replace(String text) {
        var replaced = new StringBuilder();
        Matcher mark = MARK.matcher(text);
        Matcher variable = VARIABLE.matcher(text);
        int done = 0;
        while (mark.find(done)) {
            replaced.append(text, done, mark.start());
            if (!mark.group(1).isEmpty()) {
                replaced.append("${");
                done = mark.end();
                continue;
            }
            variable.region(mark.end(), text.length());
            if (!variable.lookingAt()) {
                throw new IllegalArgumentException("has ${ without a variable behind it; write ${NAME}, "
                        + "${NAME:-default}, or $${ for these two characters");
            }
            replaced.append(value(variable.group(1), variable.group(2)));
            done = variable.end();
        }
        return replaced.append(text, done, text.length()).toString();
    }

    private String value(String name, @Nullable String otherwise) {
        String value = environment.get(name);
        if (otherwise != null) {
            return value == null || value.isEmpty() ? otherwise : value;
        }
        if (value == null) {
            throw new IllegalArgumentException("needs the variable " + name + ", which is not set; set it, or write ${"
                    + name + ":-default}");
        }
        return value;
    }
}
