package dev.sennit.cli.command;

import java.util.regex.Pattern;

/** Reads whole numbers of 0 or more, and reports errors precisely. */
public final class Numbers {
    private static final Pattern DIGITS = Pattern.compile("[0-9]+");
    private static final Pattern NEGATIVE = Pattern.compile("-[0-9]+");
    private static final String EXPECTED = ": give whole numbers from 0 to " + Long.MAX_VALUE;
    private static final int SHOWN = 40;

    private Numbers() {}

    /**
     * Reads a number.
     *
     * @param where its place, for the message: {@code argument 2}, {@code stdin line 7}
     * @throws CommandException naming the place, the bound and the text
     */
    public static long parse(String where, String text) {
        if (NEGATIVE.matcher(text).matches()) {
            throw CommandException.usage(where + ": number must be >= 0, was " + shown(text) + EXPECTED);
        }
        if (!DIGITS.matcher(text).matches()) {
            throw CommandException.usage(where + ": \"" + shown(text) + "\" is not a whole number" + EXPECTED);
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw CommandException.usage(
                    where + ": number must be <= " + Long.MAX_VALUE + ", was " + shown(text) + EXPECTED, e);
        }
    }

    /** Returns a text that is safe and short enough for one line of a terminal. */
    private static String shown(String text) {
        String visible = text.replaceAll("\\p{Cntrl}", "?");
        return visible.length() <= SHOWN ? visible : visible.substring(0, SHOWN) + "...";
    }
}
