package dev.sennit.server;

import dev.sennit.server.FrontSettings.ProxyFields;
import dev.sennit.server.traffic.Proxies;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a request comes from, as proxies have told it.
 *
 * <p>Each proxy adds the address of its own client at the right. So the list is read from the right, for as long as the
 * addresses are those of trusted proxies; the first other one is the client, and what stands left of it was said by the
 * client, or by somebody further off. The scheme and the host are those that the same proxy has seen.
 *
 * @param client its address, or a name as RFC 7239 has it for a client that shall not be known: {@code unknown},
 *     {@code _hidden}
 * @param port its port; 0 if it is not known
 * @param scheme {@code http} or {@code https}; null if no proxy has told it
 * @param host the host and the port that the client has asked for; null if no proxy has told it
 */
record Origin(String client, int port, @Nullable String scheme, @Nullable String host) {
    private static final int MOST_ELEMENTS = 200;
    private static final Pattern NODE = Pattern.compile("(?:\\[([^\\]]*)]|([^:]*))(?::([A-Za-z0-9._-]{1,50}))?");
    private static final Pattern NAME = Pattern.compile("unknown|_[A-Za-z0-9._-]{1,100}", Pattern.CASE_INSENSITIVE);
    private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");
    private static final Pattern HOST =
            Pattern.compile("(?:[A-Za-z0-9._-]{1,253}|\\[[0-9A-Fa-f:.]{2,45}])(?::[0-9]{1,5})?");

    /** The element of one proxy. */
    private record Element(@Nullable String node, @Nullable String scheme, @Nullable String host) {}

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
     * @return null if it has told nothing, or what no proxy writes: then all of it is ignored
     */
    static @Nullable Origin of(HeaderFields fields, ProxyFields kind, Proxies proxies) {
        try {
            List<Element> elements = switch (kind) {
                case FORWARDED -> forwarded(fields);
                case X_FORWARDED -> xForwarded(fields);
            };
            return elements.isEmpty() ? null : first(elements, proxies);
        } catch (MalformedException e) {
            return null;
        }
    }

    private static @Nullable Origin first(List<Element> elements, Proxies proxies) throws MalformedException {
        Origin client = null;
        for (int i = elements.size() - 1; i >= 0; i--) {
            Element element = elements.get(i);
            String node = element.node();
            if (node == null) { // it says nothing of its client, so all further left is of that client
                return client;
            }
            Matcher parts = NODE.matcher(node);
            boolean isBare = !node.startsWith("[") && node.indexOf(':') != node.lastIndexOf(':');
            if (!isBare && !parts.matches()) {
                throw new MalformedException();
            }
            String name = isBare ? node : parts.group(1) != null ? parts.group(1) : parts.group(2);
            InetAddress address = Proxies.address(name);
            if (address == null && !NAME.matcher(name).matches()
                    || address != null && !isBare && (parts.group(1) != null) != name.contains(":")) {
                throw new MalformedException();
            }
            int port = isBare ? 0 : port(parts.group(3));
            client = new Origin(
                    address == null ? name : address.getHostAddress(), port, scheme(element.scheme()),
                    host(element.host()));
            if (address == null || !proxies.has(address)) {
                return client;
            }
        }
        return client;
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

    private static @Nullable String scheme(@Nullable String text) throws MalformedException {
        String lower = text == null ? null : text.toLowerCase(Locale.ROOT);
        if (lower != null && !lower.equals("http") && !lower.equals("https")) {
            throw new MalformedException();
        }
        return lower;
    }

    private static @Nullable String host(@Nullable String text) throws MalformedException {
        if (text == null) {
            return null;
        }
        int colon = text.endsWith("]") ? -1 : text.lastIndexOf(':');
        if (!HOST.matcher(text).matches() || colon >= 0 && Integer.parseInt(text.substring(colon + 1)) > 65_535) {
            throw new MalformedException();
        }
        return text;
    }

    // ---- X-Forwarded-For, -Proto, -Host ----

    private static List<Element> xForwarded(HeaderFields fields) throws MalformedException {
        List<String> nodes = list(fields.values("X-Forwarded-For"));
        List<String> schemes = list(fields.values("X-Forwarded-Proto"));
        List<String> hosts = list(fields.values("X-Forwarded-Host"));
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            elements.add(new Element(nodes.get(i), of(schemes, i, nodes.size()), of(hosts, i, nodes.size())));
        }
        return elements;
    }

    /** Returns the value that belongs to an address: that at its place, or the only one. */
    private static @Nullable String of(List<String> values, int at, int count) throws MalformedException {
        if (values.isEmpty()) {
            return null;
        }
        if (values.size() != 1 && values.size() != count) {
            throw new MalformedException();
        }
        return values.size() == 1 ? values.getFirst() : values.get(at);
    }

    private static List<String> list(List<String> lines) throws MalformedException {
        List<String> all = new ArrayList<>();
        for (String line : lines) {
            for (String one : line.split(",", -1)) {
                String trimmed = one.strip();
                if (!trimmed.isEmpty()) { // lists may have empty elements
                    all.add(trimmed);
                }
            }
            if (all.size() > MOST_ELEMENTS) {
                throw new MalformedException();
            }
        }
        return all;
    }

    // ---- Forwarded, RFC 7239 ----

    private static List<Element> forwarded(HeaderFields fields) throws MalformedException {
        List<Element> elements = new ArrayList<>();
        for (String line : fields.values("Forwarded")) {
            new ForwardedReader(line).into(elements);
            if (elements.size() > MOST_ELEMENTS) {
                throw new MalformedException();
            }
        }
        return elements;
    }

    /** Reads a line of elements: {@code for=192.0.2.43;proto=https, for="[2001:db8::1]:4711"}. */
    private static final class ForwardedReader {
        private static final String OF_TOKENS = "!#$%&'*+-.^_`|~";

        private final String line;
        private int at;

        ForwardedReader(String line) {
            this.line = line;
        }

        void into(List<Element> elements) throws MalformedException {
            do {
                skipSpace();
                if (at < line.length() && line.charAt(at) != ',') {
                    elements.add(element());
                }
                skipSpace();
            } while (takes(','));
            if (at < line.length()) {
                throw new MalformedException();
            }
        }

        private Element element() throws MalformedException {
            String node = null;
            String scheme = null;
            String host = null;
            List<String> names = new ArrayList<>();
            do {
                if (at == line.length() || line.charAt(at) == ',' || line.charAt(at) == ';') {
                    continue; // a pair may be empty
                }
                String name = token().toLowerCase(Locale.ROOT);
                if (!takes('=') || names.contains(name)) {
                    throw new MalformedException();
                }
                names.add(name);
                String value = takes('"') ? quoted() : token();
                switch (name) {
                    case "for" -> node = value;
                    case "proto" -> scheme = value;
                    case "host" -> host = value;
                    default -> {
                        // "by", or an extension
                    }
                }
            } while (takes(';'));
            return new Element(node, scheme, host);
        }

        private String token() throws MalformedException {
            int from = at;
            while (at < line.length() && isOfToken(line.charAt(at))) {
                at++;
            }
            if (from == at) {
                throw new MalformedException();
            }
            return line.substring(from, at);
        }

        private static boolean isOfToken(char c) {
            return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || OF_TOKENS.indexOf(c) >= 0;
        }

        private String quoted() throws MalformedException {
            StringBuilder value = new StringBuilder();
            while (at < line.length() && line.charAt(at) != '"') {
                if (line.charAt(at) == '\\') {
                    at++;
                }
                if (at < line.length()) {
                    value.append(line.charAt(at++));
                }
            }
            if (!takes('"')) {
                throw new MalformedException();
            }
            return value.toString();
        }

        private boolean takes(char c) {
            if (at < line.length() && line.charAt(at) == c) {
                at++;
                return true;
            }
            return false;
        }

        private void skipSpace() {
            while (at < line.length() && (line.charAt(at) == ' ' || line.charAt(at) == '\t')) {
                at++;
            }
        }
    }
}
