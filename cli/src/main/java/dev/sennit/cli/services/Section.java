package dev.sennit.cli.services;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Nearest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlArray;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/**
 * A table of the file.
 *
 * <p>Each key that the reader asks for is known from then on; {@link #refuseOthers} refuses the rest, so no list of
 * keys can differ from what is read. What has the wrong type, or is refused by what it is given to, is a problem with
 * the place of its key, and then as if it were not there.
 */
final class Section {
    /** What a message says of a key that is unknown and near to none. */
    private static final int MOST_WORDS = 40;

    private final TomlTable table;
    /** How a message names the table. */
    private final String name;
    /** What stands before a key in a message. */
    private final String prefix;
    private final Problems problems;
    private final Variables variables;
    private final Set<String> known = new LinkedHashSet<>();

    private Section(TomlTable table, String name, String prefix, Problems problems, Variables variables) {
        this.table = table;
        this.name = name;
        this.prefix = prefix;
        this.problems = problems;
        this.variables = variables;
    }

    /** The file itself. */
    static Section whole(TomlTable table, Problems problems, Variables variables) {
        return new Section(table, "", "", problems, variables);
    }

    /** Its keys as they are written, for a table whose keys are names. */
    Set<String> names() {
        return table.keySet();
    }

    /** What it says, the same for tables that say the same. */
    String text() {
        return table.toJson();
    }

    boolean has(String key) {
        return table.contains(List.of(key));
    }

    boolean isTable(String key) {
        return table.isTable(List.of(key));
    }

    boolean isText(String key) {
        return table.isString(List.of(key));
    }

    /** Returns whether a key has a text with a variable in it. */
    boolean hasVariable(String key) {
        return table.get(List.of(key)) instanceof String text && Variables.isIn(text);
    }

    void refuse(String key, String text) {
        problems.add(at(key), text);
    }

    /** Refuses a part of a list. */
    void refuse(String key, int index, String text) {
        problems.add(table.get(List.of(key)) instanceof TomlArray list ? list.inputPositionOf(index) : at(key), text);
    }

    /** Refuses all keys that were not asked for. */
    void refuseOthers() {
        for (String key : table.keySet()) {
            if (!known.contains(key)) {
                refuse(key, "unknown key " + Problems.quoted(key) + (name.isEmpty() ? "" : " in " + name)
                        + nearest(key, known));
            }
        }
    }

    /** What to write instead of a word: the nearest, or if none is near, any of those that are right. */
    static String nearest(String word, Set<String> right) {
        String hint = Nearest.hint(word, right);
        if (!hint.isEmpty() || right.isEmpty() || right.size() > MOST_WORDS) {
            return hint;
        }
        return "; expected " + (right.size() == 1 ? "" : "one of ") + String.join(", ", right);
    }

    @Nullable String text(String key) {
        return value(key) instanceof Object value ? text(key, at(key), value) : null;
    }

    <R> @Nullable R text(String key, Function<String, R> use) {
        if (value(key) instanceof Long number) {
            try {
                var _ = use.apply(number.toString());
            } catch (IllegalArgumentException e) { // quotation marks alone would not make it right
                give(key, number.toString(), number.toString(), use);
                return null;
            }
        }
        String text = text(key);
        return text == null ? null : give(key, text, Problems.quoted(text), use);
    }

    /** The texts of a list; null if it is not there, or has another part. */
    @Nullable List<String> texts(String key) {
        return eachText(key, text -> text);
    }

    /** What each text of a list is read as; null if the list is not there, or one was refused. */
    <R> @Nullable List<R> eachText(String key, Function<String, R> use) {
        Object value = value(key);
        if (value == null) {
            return null;
        }
        if (!(value instanceof TomlArray list)) {
            refuseType(key, "a list", value, value instanceof String ? "; write it as [\"...\"]" : "");
            return null;
        }
        List<R> read = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            String label = key + "[" + i + "]";
            String text = text(label, list.inputPositionOf(i), list.get(i));
            R each = text == null ? null : give(label, list.inputPositionOf(i), text, Problems.quoted(text), use);
            if (each != null) {
                read.add(each);
            }
        }
        return read.size() == list.size() ? read : null;
    }

    /** A number, or a text that its variables make one. */
    <R> @Nullable R number(String key, LongFunction<R> use) {
        Object value = valueOfVariable(key);
        if (value instanceof String text && hasVariable(key) && text.matches("-?\\d{1,18}")) {
            value = Long.valueOf(text);
        }
        if (value instanceof Long number) {
            return give(key, number, number.toString(), use::apply);
        }
        if (value instanceof String text && hasVariable(key)) {
            refuse(key, prefix + key + " must be a number, was " + Problems.quoted(text));
        } else if (value != null) {
            boolean isQuoted = value instanceof String text && text.matches("-?\\d+");
            refuseType(key, "a number", value, isQuoted ? "; leave out the quotation marks" : "");
        }
        return null;
    }

    /** The same, within the bounds of an int. */
    <R> @Nullable R smallNumber(String key, IntFunction<R> use) {
        return number(key, number -> {
            if (number > Integer.MAX_VALUE || number < Integer.MIN_VALUE) {
                throw new IllegalArgumentException("must be from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE);
            }
            return use.apply((int) number);
        });
    }

    /** True or false, or a text that its variables make one of them. */
    <R> @Nullable R flag(String key, Function<Boolean, R> use) {
        Object value = valueOfVariable(key);
        boolean isText = "true".equals(value) || "false".equals(value);
        if (isText && hasVariable(key)) {
            value = "true".equals(value);
        }
        if (value instanceof Boolean flag) {
            return give(key, flag, flag.toString(), use);
        }
        if (value instanceof String text && hasVariable(key)) {
            refuse(key, prefix + key + " must be true or false, was " + Problems.quoted(text));
        } else if (value != null) {
            refuseType(key, "true or false", value, isText ? "; leave out the quotation marks" : "");
        }
        return null;
    }

    /** A time with its unit. */
    <R> @Nullable R time(String key, Function<Duration, R> use) {
        String text = textWithUnit(key, "s");
        return text == null
                ? null
                : give(key, text, Problems.quoted(text), given -> use.apply(Durations.parse(key, given)));
    }

    /** An amount of memory with its unit. */
    <R> @Nullable R size(String key, Function<String, R> use) {
        String text = textWithUnit(key, "m");
        return text == null ? null : give(key, text, Problems.quoted(text), use);
    }

    private @Nullable String textWithUnit(String key, String unit) {
        Object value = value(key);
        if (value instanceof Long number) {
            refuseType(key, "text with a unit", value, "; write \"" + number + unit + "\"");
            return null;
        }
        return text(key);
    }

    /** One of the constants of an enum, in lower case with hyphens. */
    <E extends Enum<E>, R> @Nullable R word(String key, Class<E> words, Function<E, R> use) {
        String text = text(key);
        if (text == null) {
            return null;
        }
        Set<String> right = new LinkedHashSet<>();
        for (E word : words.getEnumConstants()) {
            String written = word.name().toLowerCase(Locale.ROOT).replace('_', '-');
            if (written.equals(text)) {
                return use.apply(word);
            }
            right.add(written);
        }
        refuse(key, prefix + key + " must be one of " + String.join(", ", right) + ", was " + Problems.quoted(text)
                + Nearest.hint(text, right));
        return null;
    }

    /** A table that has keys of its own. */
    @Nullable Section section(String key, String sectionName, String sectionPrefix) {
        Object value = value(key);
        if (value instanceof TomlTable inner) {
            return new Section(inner, sectionName, sectionPrefix, problems, variables);
        }
        if (value != null) {
            refuseType(key, "a table", value,
                    sectionName.startsWith("[") ? "; write " + sectionName : "; write " + key + " = { ... }");
        }
        return null;
    }

    /**
     * Gives a value to what reads or checks it. A refusal becomes a problem that names the key, and the value as it is
     * written.
     */
    <T, R> @Nullable R give(String key, T value, String shown, Function<T, R> use) {
        return give(key, at(key), value, shown, use);
    }

    private <T, R> @Nullable R give(
            String label, @Nullable TomlPosition at, T value, String shown, Function<T, R> use) {
        try {
            return use.apply(value);
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            int must = message.indexOf("must be ");
            int was = message.lastIndexOf(", was ");
            problems.add(at, prefix + label + (must < 0
                    ? ": " + message
                    : " " + message.substring(must, was > must ? was : message.length()) + ", was " + shown));
            return null;
        }
    }

    /** The value of a key, which is known from now on; null if it is not there. */
    private @Nullable Object value(String key) {
        known.add(key);
        return table.get(List.of(key));
    }

    /** The same, with variables replaced; null also if they cannot be. */
    private @Nullable Object valueOfVariable(String key) {
        Object value = value(key);
        return value instanceof String ? text(key) : value;
    }

    private @Nullable String text(String label, @Nullable TomlPosition at, Object value) {
        if (!(value instanceof String text)) {
            boolean isPlain = value instanceof Long || value instanceof Double || value instanceof Boolean;
            problems.add(at, prefix + label + " must be text, was " + type(value)
                    + (isPlain ? "; write \"" + value + "\"" : ""));
            return null;
        }
        try {
            String replaced = variables.replace(text);
            if (replaced.indexOf(0) < 0) {
                return replaced;
            }
            problems.add(at, prefix + label + " has the character NUL; leave it out");
        } catch (IllegalArgumentException e) {
            problems.add(at, prefix + label + " " + e.getMessage());
        }
        return null;
    }

    private void refuseType(String key, String expected, Object value, String then) {
        refuse(key, prefix + key + " must be " + expected + ", was " + type(value) + then);
    }

    private static String type(Object value) {
        return switch (value) {
            case String ignored -> "text";
            case Long ignored -> "a number";
            case Double ignored -> "a fraction";
            case Boolean flag -> flag.toString();
            case TomlArray ignored -> "a list";
            case TomlTable ignored -> "a table";
            default -> "a date or time";
        };
    }

    private @Nullable TomlPosition at(String key) {
        return table.inputPositionOf(List.of(key));
    }

}
