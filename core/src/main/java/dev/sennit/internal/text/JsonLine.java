package dev.sennit.internal.text;

import java.math.BigDecimal;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object on one line, with its members in the order in which they were put.
 *
 * <p>Values are strings, booleans, numbers, null, other objects and collections of these. A number that JSON cannot
 * express (NaN, an infinity) becomes null; half of a surrogate pair, which UTF-8 cannot encode, is escaped.
 */
public final class JsonLine {
    private final StringBuilder text = new StringBuilder("{");

    /** Creates an object without members. */
    public JsonLine() {}

    /**
     * Adds a member.
     *
     * @param name a name that no member before has
     * @param value a string, boolean, number, collection of these, another object, or null
     * @return this
     */
    public JsonLine put(String name, @Nullable Object value) {
        name(name);
        value(value);
        return this;
    }

    /**
     * Adds a member whose value is JSON already.
     *
     * @param name a name that no member before has
     * @param json JSON in one line; it is not looked at
     * @return this
     */
    public JsonLine putJson(String name, String json) {
        name(name);
        text.append(json);
        return this;
    }

    private void name(String name) {
        if (text.length() > 1) {
            text.append(',');
        }
        string(name);
        text.append(':');
    }

    private void value(@Nullable Object value) {
        switch (value) {
            case null -> text.append("null");
            case Boolean truth -> text.append(truth);
            case Double number -> text.append(Double.isFinite(number) ? number.toString() : "null");
            case Integer number -> text.append(number);
            case Long number -> text.append(number);
            case BigDecimal number -> text.append(number.toPlainString());
            case JsonLine object -> text.append(object);
            case Collection<?> many -> array(many);
            case CharSequence words -> string(words);
            default -> throw new IllegalArgumentException("no JSON for " + value.getClass());
        }
    }

    private void array(Collection<?> values) {
        text.append('[');
        boolean first = true;
        for (Object value : values) {
            if (!first) {
                text.append(',');
            }
            first = false;
            value(value);
        }
        text.append(']');
    }

    private void string(CharSequence words) {
        text.append('"');
        for (int i = 0; i < words.length(); i++) {
            char c = words.charAt(i);
            switch (c) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                default -> {
                    if (Character.isHighSurrogate(c)
                            && i + 1 < words.length()
                            && Character.isLowSurrogate(words.charAt(i + 1))) {
                        text.append(c).append(words.charAt(++i));
                    } else if (c < ' ' || c == '\u007f' || Character.isSurrogate(c)) {
                        text.append(String.format("\\u%04x", (int) c));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        text.append('"');
    }

    @Override
    public String toString() {
        return text + "}";
    }
}
