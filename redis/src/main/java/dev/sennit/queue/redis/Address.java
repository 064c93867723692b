package dev.sennit.queue.redis;

import dev.sennit.queue.broker.BrokerUri;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What stands in {@code redis://USER:PASSWORD@HOST:PORT/DB?OPTIONS}. Its text shows no password. */
final class Address {
    static final String SYNTAX = "redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB][?prefix=NAME&connections=N]";
    static final String TLS = "rediss";
    static final String PREFIX = "sennit";

    private static final int PORT = 6379;
    private static final int CONNECTIONS = 3;
    private static final int MOST_CONNECTIONS = 100;
    private static final int MOST_DATABASES = 1_000_000;
    private static final Set<String> OPTIONS = Set.of("prefix", "connections", "sslrootcert");
    /** Letters, digits and a few signs; in braces the part by which a cluster chooses the node. */
    private static final String PREFIX_PATTERN = "[\\w.:-]{1,100}|[\\w.:-]{0,50}\\{[\\w.:-]{1,50}\\}[\\w.:-]{0,50}";

    private final BrokerUri uri;
    private final String host;
    private final int port;
    private final int database;
    private final @Nullable String user;
    private final String prefix;
    private final int connections;
    private final @Nullable String rootCertificates;

    Address(BrokerUri uri) {
        this.uri = uri;
        uri.ensureOnly(OPTIONS);
        if (!uri.rest().startsWith("//")) {
            throw wrong("begins with " + uri.scheme() + "://");
        }
        String rest = uri.rest().substring(2);
        int at = rest.lastIndexOf('@');
        String who = at < 0 ? "" : rest.substring(0, at);
        String where = rest.substring(at + 1);
        int slash = where.indexOf('/');
        String server = slash < 0 ? where : where.substring(0, slash);
        String path = slash < 0 ? "" : where.substring(slash + 1);
        int colon = server.startsWith("[")
                ? server.indexOf(':', Math.max(0, server.indexOf(']')))
                : server.indexOf(':');
        String name = decoded(colon < 0 ? server : server.substring(0, colon));
        host = name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length() - 1) : name;
        if (host.isEmpty()) {
            throw wrong("has the name of a host");
        }
        port = colon < 0 ? PORT : number(server.substring(colon + 1), "a port", 1, 65_535);
        database = path.isEmpty() ? 0 : number(path, "a database", 0, MOST_DATABASES);
        if (!who.isEmpty() && who.indexOf(':') < 0) {
            throw wrong("has a colon before the password");
        }
        String account = who.isEmpty() ? "" : decoded(who.substring(0, who.indexOf(':')));
        user = account.isEmpty() ? null : account;
        Map<String, String> options = uri.options();
        prefix = options.getOrDefault("prefix", PREFIX);
        if (!prefix.matches(PREFIX_PATTERN)) {
            throw new IllegalArgumentException(
                    "prefix must be letters, digits and _ . : - (and braces around a hash tag), was " + prefix);
        }
        connections = options.containsKey("connections")
                ? number(options.getOrDefault("connections", ""), "connections", 2, MOST_CONNECTIONS)
                : CONNECTIONS;
        rootCertificates = options.get("sslrootcert");
        if (rootCertificates != null && !isTls()) {
            throw new IllegalArgumentException("sslrootcert is an option of rediss://, which speaks TLS");
        }
    }

    private static int number(String text, String what, int least, int most) {
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below, without the text: it may be part of a password with a sign that is not encoded
        }
        throw new IllegalArgumentException("redis has " + what + " from " + least + " to " + most
                + "; signs in a password are written as % and two hexadecimal digits");
    }

    private static IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("the address of a broker in Redis " + what + ": " + SYNTAX);
    }

    private static String decoded(String text) {
        try {
            return text.indexOf('%') < 0 ? text : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) { // a message of its own, as that of the JDK shows the text
            throw wrong("has % without two hexadecimal digits");
        }
    }

    String host() {
        return host;
    }

    int port() {
        return port;
    }

    int database() {
        return database;
    }

    @Nullable String user() {
        return user;
    }

    @Nullable String password() {
        String password = uri.password();
        return password == null || password.isEmpty() ? null : password;
    }

    /** How many connections there are at most: one hears of news, the others are lanes. */
    int connections() {
        return connections;
    }

    boolean isTls() {
        return uri.scheme().equals(TLS);
    }

    /** A file with the certificates of those who may have signed that of the server, instead of those of Java. */
    @Nullable String rootCertificates() {
        return rootCertificates;
    }

    boolean hasHashTag() {
        return prefix.contains("{");
    }

    /** The beginning of all keys. A hash tag in it keeps all of them in one slot. */
    String keys() {
        return (hasHashTag() ? prefix : "{" + prefix + "}") + ":";
    }

    /** The beginning of all channels, which the databases of a server share. */
    String channels() {
        return keys() + "channel:" + database + ":";
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
