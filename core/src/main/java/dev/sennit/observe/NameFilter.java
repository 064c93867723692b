package dev.sennit.observe;

import java.util.regex.Pattern;

/**
 * Keeps secrets out of what others see of tasks: the names of tasks and the messages of their failures pass one filter
 * before any stream, view or exporter gets them.
 *
 * <p>{@link #DEFAULT} is in use until {@link TaskEvents#filterNames} sets another. A filter is called by the threads
 * that read events, never by those that run tasks, and not again for a name that it has shown. If it throws or returns
 * null, {@value #REFUSED} is shown.
 */
@FunctionalInterface
public interface NameFilter {
    /** What is shown if a filter fails. */
    String REFUSED = "(refused by the name filter)";

    /**
     * Hides the password of {@code scheme://user:password@host}, and the values of what is called password, passwd,
     * secret, token, credential or key in {@code name=value}, {@code name: value} and {@code "name":"value"}; and what
     * follows {@code Bearer} or {@code Basic}. Shows control characters as a question mark, and the first 300
     * characters.
     */
    NameFilter DEFAULT = Secrets::hide;

    /**
     * Returns what may be shown.
     *
     * @param text a name or a message
     * @return the text without secrets
     */
    String filter(String text);
}

/** The default. */
final class Secrets {
    private static final int MOST = 300;
    /** Looked at: a secret that begins in what is shown has its end here, so that it is known for one. */
    private static final int LOOKED_AT = 2000;
    private static final String HIDDEN = "***";

    /** Possessive, so that no text takes long. */
    private static final Pattern PASSWORD_OF_ADDRESS = Pattern.compile("(://[^\\s/:@]{0,200}+):[^\\s/@]++@");

    private static final Pattern NAMED = Pattern.compile(
            "(?i)((?:pass(?:word|wd|phrase)|secret|token|credentials?|[-_]key|apikey)[\"']?\\s{0,3}[=:]\\s{0,3}[\"']?)"
                    + "[^\\s\"'&,;)\\]}]++");

    private static final Pattern AUTHORIZATION = Pattern.compile("(?i)\\b(Bearer|Basic)\\s{1,3}[A-Za-z0-9._~+/=-]++");
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}\\x{2028}\\x{2029}]");

    private Secrets() {}

    static String hide(String text) {
        String shown = text.length() <= LOOKED_AT ? text : text.substring(0, LOOKED_AT);
        shown = CONTROL.matcher(shown).replaceAll("?");
        shown = PASSWORD_OF_ADDRESS.matcher(shown).replaceAll("$1:" + HIDDEN + "@");
        shown = AUTHORIZATION.matcher(shown).replaceAll("$1 " + HIDDEN);
        shown = NAMED.matcher(shown).replaceAll("$1" + HIDDEN);
        return shown.length() <= MOST ? shown : shown.substring(0, MOST) + "...";
    }
}
