package dev.sennit.queue.broker;

import org.jspecify.annotations.Nullable;

/**
 * The server in the address of a broker, {@code SCHEME://USER:PASSWORD@HOST:PORT/PATH}: for authors of brokers that
 * have one. No message shows a part of the text, which may be one of a password with a sign that is not encoded.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 *
 * BrokerUri uri = BrokerUri.parse("redis://:secret@[::1]/7");
 * ServerAddress server = ServerAddress.of(uri, "Redis", 6379, "redis://[:PASSWORD@]HOST[:PORT]/[DB]");
 * System.out.println(server.host() + " " + server.port() + " " + server.path()); // ::1 6379 7
 * }
 */
public final class ServerAddress {
    private static final int MOST_PORT = 65_535;

    private final BrokerUri uri;
    private final String store;
    private final String syntax;
    private final String host;
    private final int port;
    private final @Nullable String user;
    private final String path;

    private ServerAddress(BrokerUri uri, String store, int usualPort, String syntax) {
        this.uri = uri;
        this.store = store;
        this.syntax = syntax;
        if (!uri.rest().startsWith("//")) {
            throw wrong("begins with " + uri.scheme() + "://");
        }
        String rest = uri.rest().substring(2);
        int at = rest.lastIndexOf('@');
        String who = at < 0 ? "" : rest.substring(0, at);
        String where = rest.substring(at + 1);
        int slash = where.indexOf('/');
        String server = slash < 0 ? where : where.substring(0, slash);
        int colon = server.startsWith("[")
                ? server.indexOf(':', Math.max(0, server.indexOf(']')))
                : server.indexOf(':');
        String name = BrokerUri.decoded(colon < 0 ? server : server.substring(0, colon));
        host = name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length() - 1) : name;
        if (host.isEmpty()) {
            throw wrong("has the name of a host");
        }
        port = colon < 0 ? usualPort : number(server.substring(colon + 1), "a port", 1, MOST_PORT);
        String account = BrokerUri.decoded(who.indexOf(':') < 0 ? who : who.substring(0, who.indexOf(':')));
        user = account.isEmpty() ? null : account;
        path = slash < 0 ? "" : BrokerUri.decoded(where.substring(slash + 1));
    }

    /**
     * Reads an address.
     *
     * @param uri the address
     * @param store the name of the store, for messages: {@code Redis}
     * @param usualPort the port if the address names none
     * @param syntax the form of such an address, for messages
     * @return the server
     * @throws IllegalArgumentException if it names no host, or no port
     */
    public static ServerAddress of(BrokerUri uri, String store, int usualPort, String syntax) {
        return new ServerAddress(uri, store, usualPort, syntax);
    }

    /**
     * Returns the host.
     *
     * @return its name or address; an IPv6 address without brackets
     */
    public String host() {
        return host;
    }

    /**
     * Returns the port.
     *
     * @return from 1 to 65535
     */
    public int port() {
        return port;
    }

    /**
     * Returns the user.
     *
     * @return the name, or null if there is none
     */
    public @Nullable String user() {
        return user;
    }

    /**
     * Returns what stands behind the host and a slash.
     *
     * @return the path, perhaps empty
     */
    public String path() {
        return path;
    }

    /**
     * Reads a number of the address.
     *
     * @param text the number
     * @param what its name, for the message
     * @param least the least that it may be
     * @param most the most
     * @return the number
     * @throws IllegalArgumentException if it is none, or out of its bounds
     */
    public int number(String text, String what, int least, int most) {
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below, without the text
        }
        throw new IllegalArgumentException(uri.scheme() + " has " + what + " from " + least + " to " + most
                + "; signs in a password are written as % and two hexadecimal digits");
    }

    /**
     * Makes the exception for an address that has not the form that it should have.
     *
     * @param what what it should have, as in {@code has the name of a database}
     * @return the exception, to be thrown
     */
    public IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("the address of a broker in " + store + " " + what + ": " + syntax);
    }

    /** Returns the address without a password. */
    @Override
    public String toString() {
        return uri.toString();
    }
}
