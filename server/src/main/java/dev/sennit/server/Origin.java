package dev.sennit.server;

import dev.sennit.server.FrontSettings.ProxyFields;
import dev.sennit.server.traffic.Proxies;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a request comes from, as proxies have told it.
 *
 * <p>Each proxy adds the address of its own client at the right. So the list is read from the right, for as long as the
 * addresses are those of trusted proxies; the first other one is the client, and what stands left of it was said by the
 * client, or by somebody further off, and is not looked at. The scheme and the host are those that the same proxy has
 * seen. If an element cannot be read before the client is found, the client is unknown: it is not the proxy to the
 * right, whose address may open doors.
 *
 * @param client its address, or a name as RFC 7239 has it for a client that shall not be known: {@code unknown},
 *     {@code _hidden}
 * @param port its port; 0 if it is not known
 * @param scheme {@code http} or {@code https}; null if no proxy has told it
 * @param host the host and the port that the client has asked for; null if no proxy has told it
 */
record Origin(String client, int port, @Nullable String scheme, @Nullable String host) {
    private static final int MOST_ELEMENTS = 200;
    private static final String UNKNOWN = "unknown";
    private static final Pattern NODE = Pattern.compile("(?:\\[([^\\]]*)]|([^:]*))(?::([A-Za-z0-9._-]{1,50}))?");
    private static final Pattern NAME = Pattern.compile("unknown|_[A-Za-z0-9._-]{1,100}", Pattern.CASE_INSENSITIVE);
    private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");
    private static final Pattern HOST =
            Pattern.compile("(?:[A-Za-z0-9._-]{1,253}|\\[[0-9A-Fa-f:.]{2,45}])(?::[0-9]{1,5})?");

    /** The element of one proxy. */
    private record Element(@Nullable String node, @Nullable String scheme, @Nullable String host) {}

    /** Gives elements from the right. */
    private interface Elements {
        /** Returns null if there are no more. */
        @Nullable Element next() throws MalformedException;
    }

    /** A value is none that a proxy writes. */
    private static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        MalformedException() {
            super("a proxy does not write that", null, false, false);
        }
    }

    /** Gives the values of header fields. */
    interface HeaderFields {
        /** Returns the values of all lines of a field, in order. */
        List<String> values(String name);
    }

    /**
     * Reads what a trusted proxy has sent.
     *
     * @return null if it has told nothing of its client
     */
    static @Nullable Origin of(HeaderFields fields, ProxyFields kind, Proxies proxies) {
        Elements elements = switch (kind) {
            case FORWARDED -> forwarded(fields);
            case X_FORWARDED -> xForwarded(fields);
        };
        Origin client = null;
        for (int i = 0; i < MOST_ELEMENTS; i++) {
            Element element;
            try {
                element = elements.next();
            } catch (MalformedException e) {
                return new Origin(UNKNOWN, 0, null, null);
            }
            if (element == null || element.node() == null) { // all further left is of the client
                return client;
            }
            InetAddress address = null;
            try {
                Node node = Node.of(element.node());
                address = node.address();
                client = origin(node.name(), node.port(), element);
            } catch (MalformedException e) {
                client = origin(UNKNOWN, 0, element);
            }
            if (address == null || !proxies.has(address)) {
                return client;
            }
        }
        return client;
    }

    private static Origin origin(String client, int port, Element element) {
        return new Origin(client, port, scheme(element.scheme()), host(element.host()));
    }

    /**
     * The client of a proxy.
     *
     * @param name its address in the usual form, or another name
     * @param address null if it shall not be known
     */
    private record Node(String name, @Nullable InetAddress address, int port) {
        static Node of(String text) throws MalformedException {
            Matcher parts = NODE.matcher(text);
            boolean isBare = !text.startsWith("[") && text.indexOf(':') != text.lastIndexOf(':');
            if (!isBare && !parts.matches()) {
                throw new MalformedException();
            }
            String name = isBare ? text : parts.group(1) != null ? parts.group(1) : parts.group(2);
            InetAddress address = Proxies.address(name);
            if (address == null && !NAME.matcher(name).matches()
                    || address != null && !isBare && (parts.group(1) != null) != name.contains(":")) {
                throw new MalformedException();
            }
            return new Node(
                    address == null ? name : address.getHostAddress(), address, isBare ? 0 : port(parts.group(3)));
        }

        private static int port(@Nullable String text) throws MalformedException {
            if (text == null || text.startsWith("_")) {
                return 0;
            }
            if (!PORT.matcher(text).matches() || Integer.parseInt(text) > 65_535) {
                throw new MalformedException();
            }
            return Integer.parseInt(text);
        }
    }

    /** Returns null if it is none. */
    private static @Nullable String scheme(@Nullable String text) {
        String lower = text == null ? "" : text.toLowerCase(Locale.ROOT);
        return lower.equals("http") || lower.equals("https") ? lower : null;
    }

    /** Returns null if it is none. */
    private static @Nullable String host(@Nullable String text) {
        if (text == null || !HOST.matcher(text).matches()) {
            return null;
        }
        int colon = text.endsWith("]") ? -1 : text.lastIndexOf(':');
        return colon >= 0 && Integer.parseInt(text.substring(colon + 1)) > 65_535 ? null : text;
    }

    // ---- X-Forwarded-For, -Proto, -Host ----

    private static Elements xForwarded(HeaderFields fields) {
        List<String> nodes = list(fields.values("X-Forwarded-For"));
        List<String> schemes = list(fields.values("X-Forwarded-Proto"));
        List<String> hosts = list(fields.values("X-Forwarded-Host"));
        AtomicInteger left = new AtomicInteger(nodes.size());
        return () -> {
            int at = left.decrementAndGet();
            return at < 0
                    ? null
                    : new Element(nodes.get(at), of(schemes, at, nodes.size()), of(hosts, at, nodes.size()));
        };
    }

    /** Returns the value that belongs to an address: that at its place, or the only one; null if nobody knows. */
    private static @Nullable String of(List<String> values, int at, int count) {
        return values.size() == 1 ? values.getFirst() : values.size() == count ? values.get(at) : null;
    }

    private static List<String> list(List<String> lines) {
        List<String> all = new ArrayList<>();
        for (String line : lines) {
            for (String one : line.split(",", -1)) {
                String trimmed = one.strip();
                if (!trimmed.isEmpty()) { // lists may have empty elements
                    all.add(trimmed);
                }
            }
        }
        return all;
    }

    // ---- Forwarded, RFC 7239 ----

    private static Elements forwarded(HeaderFields fields) {
        Iterator<ForwardedReader> lines = fields.values("Forwarded").reversed().stream()
                .map(ForwardedReader::new)
                .iterator();
        return new Elements() {
            private @Nullable ForwardedReader line;

            @Override
            public @Nullable Element next() throws MalformedException {
                while (true) {
                    Element next = line == null ? null : line.next();
                    if (next != null || !lines.hasNext()) {
                        return next;
                    }
                    line = lines.next();
                }
            }
        };
    }

    /**
     * Reads a line of elements from the right: {@code for=192.0.2.43;proto=https, for="[2001:db8::1]:4711"}. So the
     * quotes of a client do not reach into the element that a proxy has put behind them.
     */
    private static final class ForwardedReader implements Elements {
        private static final String OF_TOKENS = "!#$%&'*+-.^_`|~";

        private final String line;
        /** What stands from here on was read. */
        private int at;

        ForwardedReader(String line) {
            this.line = line;
            at = line.length();
        }

        @Override
        public @Nullable Element next() throws MalformedException {
            do { // a list may have empty elements
                skipSpace();
            } while (takes(','));
            if (at == 0) {
                return null;
            }
            Element element = element();
            skipSpace();
            if (at > 0 && !isNext(',')) {
                throw new MalformedException();
            }
            return element;
        }

        private Element element() throws MalformedException {
            Map<String, String> pairs = new HashMap<>();
            do {
                if (at == 0 || isNext(',') || isNext(';')) {
                    continue; // a pair may be empty
                }
                String value = takes('"') ? quoted() : token();
                if (!takes('=') || pairs.put(token().toLowerCase(Locale.ROOT), value) != null) {
                    throw new MalformedException();
                }
            } while (takes(';'));
            return new Element(pairs.get("for"), pairs.get("proto"), pairs.get("host"));
        }

        private String token() throws MalformedException {
            int end = at;
            while (at > 0 && isOfToken(line.charAt(at - 1))) {
                at--;
            }
            if (at == end) {
                throw new MalformedException();
            }
            return line.substring(at, end);
        }

        private static boolean isOfToken(char c) {
            return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || OF_TOKENS.indexOf(c) >= 0;
        }

        /** Reads what stands before a closing quote, and the opening one, before which there is no backslash. */
        private String quoted() throws MalformedException {
            int end = at;
            if (isEscaped(end)) {
                throw new MalformedException();
            }
            do {
                at = line.lastIndexOf('"', at - 1);
            } while (at >= 0 && isEscaped(at));
            if (at < 0) {
                throw new MalformedException();
            }
            return line.substring(at + 1, end).replaceAll("(?s)\\\\(.)", "$1");
        }

        /** Whether the character at an index has an odd number of backslashes before it. */
        private boolean isEscaped(int index) {
            int from = index;
            while (from > 0 && line.charAt(from - 1) == '\\') {
                from--;
            }
            return (index - from & 1) != 0;
        }

        private boolean isNext(char c) {
            return at > 0 && line.charAt(at - 1) == c;
        }

        private boolean takes(char c) {
            if (isNext(c)) {
                at--;
                return true;
            }
            return false;
        }

        private void skipSpace() {
            while (isNext(' ') || isNext('\t')) {
                at--;
            }
        }
    }
}
