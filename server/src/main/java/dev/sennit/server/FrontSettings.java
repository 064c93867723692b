package dev.sennit.server;

import dev.sennit.server.traffic.Proxies;
import java.io.Serializable;
import java.util.List;
import java.util.Objects;

/**
 * The work of a server between its clients and the application, beside the limits of {@link ServerSettings}.
 * {@link #DEFAULTS} are right for a server that clients reach directly; docs/guides/serving.md says why.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 * import java.util.List;
 *
 * FrontSettings front = FrontSettings.DEFAULTS.accessLog("/var/log/shop/access.log").proxies(List.of("10.0.0.0/8"));
 * WebService service = WebService.of(() -> Routes.create().get("/", _ -> WebResponse.of(204))).front(front);
 * }
 *
 * @param accessLog where a line goes for each request: {@link #NONE}, {@link #STANDARD_OUTPUT}, or a file, to which all
 *     workers append; a relative path is resolved in the worker's directory
 * @param accessFormat what a line looks like
 * @param proxies the addresses of proxies, such as {@code 10.1.2.3}, {@code 10.0.0.0/8} or {@code unix}, for the
 *     clients of a Unix socket: what they say of the client, and their {@code X-Request-Id}, is heeded. That of all
 *     others is ignored
 * @param proxyFields by which fields the proxies say it. Only these are heeded, as a proxy passes on the others as its
 *     client has sent them
 */
public record FrontSettings(
        String accessLog, AccessFormat accessFormat, List<String> proxies, ProxyFields proxyFields)
        implements Serializable {
    /** The access log that is none. */
    public static final String NONE = "none";

    /** The access log that is the standard output of the worker, and so in the manager's log. */
    public static final String STANDARD_OUTPUT = "stdout";

    private static final int MOST_PROXIES = 1000;

    /** The form of the lines of an access log. */
    public enum AccessFormat {
        /**
         * The combined format of Apache, and behind it the id of the request, the seconds in the queue and in the
         * handler, and {@code whole} or {@code cut}.
         */
        COMBINED,
        /** A JSON object. */
        JSON
    }

    /** The fields by which a proxy tells of its client. */
    public enum ProxyFields {
        /** {@code X-Forwarded-For}, {@code -Proto} and {@code -Host}, as most proxies have it. */
        X_FORWARDED,
        /** {@code Forwarded}, of RFC 7239. */
        FORWARDED
    }

    /** The settings without an access log and without proxies. */
    public static final FrontSettings DEFAULTS =
            new FrontSettings(NONE, AccessFormat.COMBINED, List.of(), ProxyFields.X_FORWARDED);

    /** Checks the settings. */
    public FrontSettings {
        if (accessLog.isEmpty() || accessLog.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("accessLog must be none, stdout or a file, was \"" + accessLog + "\"");
        }
        Objects.requireNonNull(accessFormat, "accessFormat");
        proxies = List.copyOf(proxies);
        if (proxies.size() > MOST_PROXIES) {
            throw new IllegalArgumentException("proxies must be at most " + MOST_PROXIES + ", was " + proxies.size());
        }
        Objects.requireNonNull(proxyFields, "proxyFields");
        new Proxies(proxies);
    }

    /**
     * Returns these settings with another access log.
     *
     * @param newAccessLog {@link #NONE}, {@link #STANDARD_OUTPUT}, or a file
     * @return the settings
     * @throws IllegalArgumentException if it is no file
     */
    public FrontSettings accessLog(String newAccessLog) {
        return new FrontSettings(newAccessLog, accessFormat, proxies, proxyFields);
    }

    /**
     * Returns these settings with another form of the access log.
     *
     * @param newAccessFormat the form
     * @return the settings
     */
    public FrontSettings accessFormat(AccessFormat newAccessFormat) {
        return new FrontSettings(accessLog, newAccessFormat, proxies, proxyFields);
    }

    /**
     * Returns these settings with other proxies.
     *
     * @param newProxies their addresses
     * @return the settings
     * @throws IllegalArgumentException if one is no address
     */
    public FrontSettings proxies(List<String> newProxies) {
        return new FrontSettings(accessLog, accessFormat, newProxies, proxyFields);
    }

    /**
     * Returns these settings with other fields of proxies.
     *
     * @param newProxyFields by which fields proxies tell of their clients
     * @return the settings
     */
    public FrontSettings proxyFields(ProxyFields newProxyFields) {
        return new FrontSettings(accessLog, accessFormat, proxies, newProxyFields);
    }

    /** Whether there is an access log. */
    boolean hasAccessLog() {
        return !accessLog.equals(NONE);
    }
}
