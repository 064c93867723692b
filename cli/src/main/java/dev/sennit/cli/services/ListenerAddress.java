package dev.sennit.cli.services;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Where a listener accepts connections. */
public sealed interface ListenerAddress {
    /** Returns whether both cannot be bound at once. */
    default boolean clashesWith(ListenerAddress other) {
        return equals(other);
    }

    /**
     * A TCP port of an address of this machine.
     *
     * @param host a name, or an IPv4 or IPv6 address without brackets; {@code 0.0.0.0} and {@code ::} are all addresses
     * @param port 0 for any free port
     */
    record Tcp(String host, int port) implements ListenerAddress {
        private static final Pattern FORM = Pattern.compile("(?:\\[([^\\[\\]]+)]|([^:\\[\\]]+)):(\\d{1,5})");
        private static final Pattern NAME =
                Pattern.compile("(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
                        + "(?:\\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*");
        private static final Pattern DIGITS_AND_DOTS = Pattern.compile("[0-9.]+");

        /**
         * Reads {@code HOST:PORT}.
         *
         * @throws IllegalArgumentException if it is none
         */
        static Tcp parse(String text) {
            Matcher matcher = FORM.matcher(text);
            if (!matcher.matches()) {
                throw invalid(text);
            }
            int port = Integer.parseInt(matcher.group(3));
            if (port > 65_535) {
                throw new IllegalArgumentException("must be from port 0 to 65535, was " + port);
            }
            String six = matcher.group(1);
            String host = six != null ? six : matcher.group(2);
            if (six != null || DIGITS_AND_DOTS.matcher(host).matches()) {
                try {
                    boolean isSix = InetAddress.ofLiteral(host) instanceof Inet6Address;
                    if (isSix != (six != null)) {
                        throw invalid(text);
                    }
                } catch (IllegalArgumentException e) {
                    throw invalid(text);
                }
            } else if (!NAME.matcher(host).matches()) {
                throw invalid(text);
            }
            return new Tcp(host, port);
        }

        private static IllegalArgumentException invalid(String text) {
            return new IllegalArgumentException(
                    "must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, was " + Problems.quoted(text));
        }

        @Override
        public boolean clashesWith(ListenerAddress other) {
            if (!(other instanceof Tcp tcp) || tcp.port != port || port == 0) {
                return false;
            }
            return address().equals(tcp.address()) || covers(tcp) || tcp.covers(this);
        }

        /** A name is not looked up: that could take long, and give another address when the listener is bound. */
        private Object address() {
            boolean isName = !host.contains(":") && !DIGITS_AND_DOTS.matcher(host).matches();
            return isName ? host.toLowerCase(Locale.ROOT) : InetAddress.ofLiteral(host);
        }

        private boolean covers(Tcp other) {
            return address() instanceof InetAddress all && all.isAnyLocalAddress()
                    && (all instanceof Inet6Address || other.address() instanceof Inet4Address);
        }

        /** Returns {@code HOST:PORT}. */
        @Override
        public String toString() {
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /**
     * A Unix socket.
     *
     * @param path absolute
     * @param mode the permissions of its file; null for those that the umask gives
     */
    record UnixSocket(Path path, @Nullable Set<PosixFilePermission> mode) implements ListenerAddress {
        /** What a socket's address has room for, without the zero at its end. */
        static final int LONGEST = 107;

        private static final Pattern OCTAL = Pattern.compile("0?([0-7])([0-7])([0-7])");

        UnixSocket(Path path) {
            this(path, null);
        }

        /**
         * Reads permissions such as {@code 0660}.
         *
         * @throws IllegalArgumentException if they are none
         */
        static Set<PosixFilePermission> mode(String text) {
            Matcher digits = OCTAL.matcher(text);
            if (!digits.matches()) {
                throw new IllegalArgumentException("must be three octal digits such as \"0660\"");
            }
            StringBuilder all = new StringBuilder();
            for (int i = 1; i <= digits.groupCount(); i++) {
                int bits = Integer.parseInt(digits.group(i));
                all.append((bits & 4) == 0 ? '-' : 'r').append((bits & 2) == 0 ? '-' : 'w')
                        .append((bits & 1) == 0 ? '-' : 'x');
            }
            return PosixFilePermissions.fromString(all.toString());
        }

        @Override
        public boolean clashesWith(ListenerAddress other) {
            return other instanceof UnixSocket socket && socket.path.equals(path);
        }

        /** Returns whether the path of a socket is longer than a system takes. */
        static boolean isTooLong(Path path) {
            return path.toString().getBytes(StandardCharsets.UTF_8).length > LONGEST;
        }

        /** Returns the path. */
        @Override
        public String toString() {
            return path.toString();
        }
    }

    /**
     * A socket that systemd has bound and passes on.
     *
     * @param name its {@code FileDescriptorName}
     */
    record Systemd(String name) implements ListenerAddress {
        /** Returns {@code systemd:NAME}. */
        @Override
        public String toString() {
            return "systemd:" + name;
        }
    }
}
