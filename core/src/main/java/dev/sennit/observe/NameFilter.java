package dev.sennit.observe;

import dev.sennit.internal.view.ShownText;

/**
 * Keeps secrets out of what others see of tasks: the names of tasks, the messages of their failures and what services
 * say of themselves pass one filter before any stream, view or exporter gets them.
 *
 * <p>{@link #DEFAULT} is in use until {@link TaskEvents#filterNames} sets another. A filter is called by the threads
 * that read events or ask a bean, never by those that run tasks; a stream does not call it again for a name that it has
 * shown. If it throws or returns null, {@value #REFUSED} is shown.
 */
@FunctionalInterface
public interface NameFilter {
    /** What is shown if a filter fails. */
    String REFUSED = ShownText.REFUSED;

    /**
     * Hides the password of {@code scheme://user:password@host}, and the values of what is called password, passwd,
     * secret, token, credential or key, or by a name that ends so ({@code api_key}, {@code secretKey}), in {@code
     * name=value}, {@code name: value} and {@code "name":"value"}; and what follows {@code Bearer} or {@code Basic}. A
     * value without quotes ends at a space, a quote, a comma, a semicolon, an ampersand or a closing bracket: what
     * follows is shown. Shows control characters as a question mark, and the first 300
     * characters.
     */
    NameFilter DEFAULT = ShownText::withoutSecrets;

    /**
     * Returns what may be shown.
     *
     * @param text a name or a message
     * @return the text without secrets
     */
    String filter(String text);
}
