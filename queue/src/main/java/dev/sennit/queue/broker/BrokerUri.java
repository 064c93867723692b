package dev.sennit.queue.broker;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The address of a broker: {@code SCHEME:REST[?NAME=VALUE[&NAME=VALUE...]]}. Whatever shows it hides the password of
 * {@code scheme://user:password@host}, the values of options whose names sound like a secret, and those in an option
 * that is an address itself.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.BrokerUri;
 *
 * BrokerUri uri = BrokerUri.parse("postgresql://me:secret@localhost/jobs?schema=queue");
 * System.out.println(uri); // postgresql://me:***@localhost/jobs?schema=queue
 * }
 */
public final class BrokerUri {
    private final String scheme;
    private final String rest;
    private final Map<String, String> options;

    private BrokerUri(String scheme, String rest, Map<String, String> options) {
        this.scheme = scheme;
        this.rest = rest;
        this.options = Collections.unmodifiableMap(options);
    }

    /**
     * Reads an address.
     *
     * @param text the address
     * @return the address
     * @throws IllegalArgumentException if it has no scheme, if an option has no name, no value or occurs twice, or if
     *     a password has a question mark that is not written as %3F; the message does not show the text
     */
    public static BrokerUri parse(String text) {
        int colon = text.indexOf(':');
        if (colon <= 0 || !text.substring(0, colon).matches("[A-Za-z][A-Za-z0-9+.-]*")) {
            throw new IllegalArgumentException("the address of a broker begins with a scheme, as in sqlite:jobs.db");
        }
        int question = text.indexOf('?');
        String rest = text.substring(colon + 1, question < colon ? text.length() : question);
        Map<String, String> options = new LinkedHashMap<>();
        if (question > colon) {
            if (rest.startsWith("//") && rest.indexOf('@') < 0 && text.indexOf('@', question) > 0) {
                throw new IllegalArgumentException("the address of the broker has @ after ?: write ? as %3F in a"
                        + " password, and @ as %40 in an option");
            }
            for (String option : text.substring(question + 1).split("&", -1)) {
                int equals = option.indexOf('=');
                if (equals <= 0 || equals == option.length() - 1) {
                    throw new IllegalArgumentException(
                            "the address of a broker has NAME=VALUE after ? and &, but one of its options is none");
                }
                String name = decoded(option.substring(0, equals));
                if (options.put(name, decoded(option.substring(equals + 1))) != null) {
                    throw new IllegalArgumentException("the address of the broker has the option " + name + " twice");
                }
            }
        }
        return new BrokerUri(text.substring(0, colon).toLowerCase(Locale.ROOT), rest, options);
    }

    /**
     * Returns the scheme.
     *
     * @return the scheme, in lower case
     */
    public String scheme() {
        return scheme;
    }

    /**
     * Returns what is between the scheme and the options, as it was written. It may hold a password.
     *
     * @return for example {@code jobs.db}, or {@code //user:password@host:5432/name}
     */
    public String rest() {
        return rest;
    }

    /**
     * Returns the options in the order in which they were written.
     *
     * @return the options
     */
    public Map<String, String> options() {
        return options;
    }

    /**
     * Checks that there is no option but those that are known.
     *
     * @param known their names
     * @throws IllegalArgumentException if there is another one
     */
    public void ensureOnly(Set<String> known) {
        for (String name : options.keySet()) {
            if (!known.contains(name)) {
                throw new IllegalArgumentException(scheme + " has no option " + name + ": it has "
                        + String.join(", ", known.stream().sorted().toList()));
            }
        }
    }

    /**
     * Returns the password of {@code //user:password@host}.
     *
     * @return the password, or null if there is none
     */
    public @Nullable String password() {
        int at = rest.lastIndexOf('@');
        int colon = rest.startsWith("//") ? rest.indexOf(':', 2) : -1;
        return colon > 0 && colon < at ? decoded(rest.substring(colon + 1, at)) : null;
    }

    /** Returns the address without its secrets, as it would be written. */
    @Override
    public String toString() {
        String shown = rest;
        int at = rest.lastIndexOf('@');
        if (at > 0) {
            int colon = rest.startsWith("//") ? rest.indexOf(':', 2) : rest.indexOf(':');
            shown = colon > 0 && colon < at ? rest.substring(0, colon + 1) + "***" + rest.substring(at) : rest;
        }
        var text = new StringBuilder(scheme).append(':').append(shown);
        char separator = '?';
        for (var option : options.entrySet()) {
            boolean secret =
                    option.getKey().toLowerCase(Locale.ROOT).matches(".*(pass|pwd|secret|token|key|credential|auth).*");
            text.append(separator).append(option.getKey()).append('=')
                    .append(secret ? "***" : encoded(shown(option.getValue())));
            separator = '&';
        }
        return text.toString();
    }

    /** Writes the value of an option so that it ends at the next option, and @ is none of this address. */
    private String encoded(String value) {
        String text = value.replace("%", "%25").replace("&", "%26").replace("?", "%3F");
        return rest.startsWith("//") && rest.indexOf('@') < 0 ? text.replace("@", "%40") : text;
    }

    /** An option may be the address of another broker, with secrets of its own. */
    private static String shown(String value) {
        if (!value.contains("://")) {
            return value;
        }
        try {
            return parse(value).toString();
        } catch (IllegalArgumentException e) { // whatever it is, it may hold a password
            return "***";
        }
    }

    static String decoded(String text) {
        try {
            return text.indexOf('%') < 0 ? text : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) { // a message of its own, as that of the JDK shows the text
            throw new IllegalArgumentException("the address of a broker has % without two hexadecimal digits");
        }
    }
}
