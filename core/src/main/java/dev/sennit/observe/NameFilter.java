package dev.sennit.observe;

import dev.sennit.internal.view.ShownText;

/**
 * Removes secrets from texts that leave the program: names of tasks, messages of failures and status texts of services
 * pass one filter before any stream, view or exporter gets them.
 *
 * <p>{@link #DEFAULT} is in use until {@link TaskEvents#filterNames} sets another. Threads that read events or use a
 * bean call the filter, never threads that run tasks. A stream does not call the filter again for a name that it has
 * shown before. If the filter throws or returns null, {@value #REFUSED} is shown.
 */
@FunctionalInterface
public interface NameFilter {
    /** What is shown if a filter fails. */
    String REFUSED = ShownText.REFUSED;

    /**
     * Hides the password of {@code scheme://user:password@host}. Hides values whose names are, or end in, password,
     * passwd, secret, token, credential or key ({@code api_key}, {@code secretKey}), in the forms {@code name=value},
     * {@code name: value} and {@code "name":"value"}, and the text after {@code Bearer} or {@code Basic}. A value
     * without quotes ends at a space, a quote, a comma, a semicolon, an ampersand or a closing bracket; the text after
     * it is shown. Replaces control characters by question marks, and cuts the text after 300 characters.
     */
    NameFilter DEFAULT = ShownText::withoutSecrets;

    /**
     * Returns the text that may be shown.
     *
     * @param text a name or a message
     * @return the text without secrets
     */
    String filter(String text);
}
