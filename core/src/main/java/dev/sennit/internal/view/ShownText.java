package dev.sennit.internal.view;

import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** What others may see of a text: it passes one filter, which the user may set. */
public final class ShownText {
    /** What is shown if a filter fails. */
    public static final String REFUSED = "(refused by the name filter)";

    private static final int MOST = 300;
    /** Looked at: a secret that begins in what is shown has its end here, so that it is known for one. */
    private static final int LOOKED_AT = 2000;
    private static final String HIDDEN = "***";

    /** Up to the last at sign: a password may have one. */
    private static final Pattern PASSWORD_OF_ADDRESS = Pattern.compile("(://[^\\s/:@]*+):[^\\s/]+@");

    /** A value in quotes, which may be escaped, or up to what ends one. Possessive, so that no text takes long. */
    private static final Pattern NAMED = Pattern.compile(
            "(?is)((?:pass(?:word|wd|phrase)|secret|token|credentials?|\\bkey|[-_]key|apikey|(?-i:[a-z0-9]Key))"
                    + "\\\\*+[\"']?\\s*+[=:]\\s*+)"
                    + "(?:(\\\\++[\"'])[^\"'\\\\]*+|(\")(?:[^\"\\\\]|\\\\.)*+|(')(?:[^'\\\\]|\\\\.)*+"
                    + "|[^\\s\"'&,;)\\]}]++)");

    private static final Pattern AUTHORIZATION = Pattern.compile("(?i)\\b(Bearer|Basic)\\s++[A-Za-z0-9._~+/=-]++");
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}\\x{2028}\\x{2029}]");

    private static volatile UnaryOperator<String> filter = ShownText::withoutSecrets;

    private ShownText() {}

    /** Sets the filter of this JVM. */
    public static void filterBy(UnaryOperator<String> next) {
        filter = next;
    }

    /** Returns what the filter of this JVM leaves of a text. Not to be called under a lock: it may be a user's. */
    public static String of(String text) {
        return of(text, filter);
    }

    /** Returns what a filter leaves of a text, or {@link #REFUSED} if it fails. */
    public static String of(String text, UnaryOperator<String> by) {
        try {
            String result = by.apply(text);
            return result != null ? result : REFUSED;
        } catch (Throwable e) { // code of a user
            return REFUSED;
        }
    }

    /** The filter until another is set: hides what looks like a secret, and bounds the text. */
    public static String withoutSecrets(String text) {
        String shown = text.length() <= LOOKED_AT ? text : text.substring(0, LOOKED_AT);
        shown = PASSWORD_OF_ADDRESS.matcher(shown).replaceAll("$1:" + HIDDEN + "@");
        shown = AUTHORIZATION.matcher(shown).replaceAll("$1 " + HIDDEN);
        shown = NAMED.matcher(shown).replaceAll("$1$2$3$4" + HIDDEN);
        shown = CONTROL.matcher(shown).replaceAll("?"); // last: a tab may stand between a name and a secret
        return shown.length() <= MOST ? shown : shown.substring(0, MOST) + "...";
    }
}
