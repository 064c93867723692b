package dev.sennit.images.internal.web;

import dev.sennit.images.internal.text.Printable;
import java.net.IDN;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Converts web addresses as people and servers write them to a strict form: {@code http} or {@code https}, a host name
 * in lower-case ASCII or an address in its usual form, a correctly encoded path, neither user nor fragment.
 *
 * <p>A host that programs read differently - {@code 2130706433}, {@code 0x7f.1}, {@code 010.0.0.1}, {@code %31} - is
 * refused: one program may take it for a name, another for an address.
 */
public final class WebUri {
    private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*):.*", Pattern.DOTALL);
    private static final Pattern WEB = Pattern.compile("(?i)(https?)://([^/?#\\\\]*)([^#]*)(#.*)?", Pattern.DOTALL);
    private static final Pattern PORT = Pattern.compile(":(\\d{0,5})");
    private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})*\\.?");
    private static final Pattern NUMBER_AT_END = Pattern.compile("(.*\\.)?(\\d+|0x[0-9a-f]*)\\.?");
    private static final String BYTE = "(0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])";
    private static final Pattern IPV4 = Pattern.compile(BYTE + "(\\." + BYTE + "){3}");
    private static final Pattern DOT_SEGMENT = Pattern.compile("(.*/)?\\.\\.?(/.*)?");
    private static final int LONGEST = 8192;
    private static final int LONGEST_HOST = 253; // this also bounds the recursion that matches the labels
    private static final String LEGAL = "-._~!$&'()*+,;=:@/?";

    private WebUri() {}

    /** Returns whether a text is meant as a web address, correct or not. */
    public static boolean isMeant(String text) {
        return text.regionMatches(true, 0, "http:", 0, 5) || text.regionMatches(true, 0, "https:", 0, 6);
    }

    /**
     * Reads an address.
     *
     * @throws IllegalArgumentException if it is malformed; the message says what is wrong and what to do, without the
     *     address
     */
    public static URI parse(String text) {
        if (text.length() > LONGEST) {
            throw new IllegalArgumentException("an address of more than " + LONGEST + " characters; shorten it");
        }
        Matcher web = WEB.matcher(text.strip());
        if (!web.matches()) {
            throw new IllegalArgumentException("not a web address; write http:// or https://, a host and a path");
        }
        String authority = web.group(2);
        if (authority.indexOf('@') >= 0) {
            throw new IllegalArgumentException("a user name in an address is not supported; leave it out");
        }
        int hostEnd = authority.startsWith("[") ? authority.indexOf(']') + 1 : authority.indexOf(':');
        String host = host(hostEnd < 0 ? authority : authority.substring(0, hostEnd));
        String port = hostEnd < 0 ? "" : port(authority.substring(hostEnd));
        String rest = encoded(web.group(3));
        if (!rest.startsWith("/")) {
            rest = "/" + rest;
        }
        URI uri = URI.create(web.group(1).toLowerCase(Locale.ROOT) + "://" + host + port + rest);
        if (uri.getHost() == null) {
            throw badHost(host);
        }
        return uri;
    }

    private static String host(String given) {
        if (given.startsWith("[")) {
            try {
                if (given.indexOf('%') < 0) {
                    InetAddress.ofLiteral(given);
                    return given;
                }
            } catch (IllegalArgumentException e) {
                // handled below
            }
            throw badHost(given);
        }
        String host = given;
        if (host.length() > LONGEST_HOST) {
            throw badHost(given);
        }
        if (!host.chars().allMatch(c -> c < 128)) {
            try {
                host = IDN.toASCII(given);
            } catch (IllegalArgumentException e) {
                throw badHost(given);
            }
        }
        host = host.toLowerCase(Locale.ROOT);
        if (NUMBER_AT_END.matcher(host).matches()) {
            if (!IPV4.matcher(host).matches()) {
                throw new IllegalArgumentException("host " + Printable.text(host)
                        + " is a number in no usual form; write an address as four decimal numbers: 192.0.2.1");
            }
        } else if (!NAME.matcher(host).matches()) {
            throw badHost(given);
        }
        return host;
    }

    private static IllegalArgumentException badHost(String host) {
        return new IllegalArgumentException(
                host.isEmpty()
                        ? "there is no host; write http://HOST/PATH"
                        : Printable.text(host) + " is not the name of a host; correct the address");
    }

    private static String port(String given) {
        Matcher port = PORT.matcher(given);
        if (given.isEmpty() || given.equals(":")) {
            return "";
        }
        if (!port.matches() || Integer.parseInt(port.group(1)) < 1 || Integer.parseInt(port.group(1)) > 65_535) {
            throw new IllegalArgumentException("port must be 1 to 65535, was " + Printable.text(given.substring(1)));
        }
        return ":" + Integer.parseInt(port.group(1));
    }

    /** Returns a path and query with all special characters encoded; encoded ones stay as they are. */
    private static String encoded(String given) {
        var text = new StringBuilder(given.length() + 16);
        byte[] bytes = given.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            int c = bytes[i] & 0xFF;
            if (isLetterOrDigit(c) || LEGAL.indexOf(c) >= 0 || c == '%' && isHex(bytes, i + 1) && isHex(bytes, i + 2)) {
                text.append((char) c);
            } else {
                text.append('%').append(HexFormat.of().withUpperCase().toHexDigits((byte) c));
            }
        }
        return text.toString();
    }

    private static boolean isLetterOrDigit(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
    }

    private static boolean isHex(byte[] bytes, int index) {
        return index < bytes.length && HexFormat.isHexDigit(bytes[index]);
    }

    /**
     * Returns the target of a redirect.
     *
     * @param base the address that answered
     * @param location the header, its bytes as ISO 8859-1
     * @throws IllegalArgumentException if it is malformed; the message says what is wrong and what to do
     */
    public static URI redirect(URI base, String location) {
        String to = new String(location.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8).strip();
        Matcher scheme = SCHEME.matcher(to);
        if (scheme.matches()) {
            if (!isMeant(to)) {
                throw new IllegalArgumentException(scheme.group(1) + " is neither http nor https");
            }
            return parse(to);
        }
        String origin = base.getScheme() + "://" + base.getRawAuthority();
        String path = base.getRawPath();
        URI target;
        if (to.startsWith("//")) {
            target = parse(base.getScheme() + ":" + to);
        } else if (to.startsWith("/")) {
            target = parse(origin + to);
        } else if (to.startsWith("?") || to.startsWith("#") || to.isEmpty()) {
            target = parse(origin + path + to);
        } else {
            target = parse(origin + path.substring(0, path.lastIndexOf('/') + 1) + to);
        }
        // Only if needed: normalizing also merges double slashes.
        return DOT_SEGMENT.matcher(target.getRawPath()).matches() ? target.normalize() : target;
    }

    /** Returns an address for a message. */
    public static String text(URI uri) {
        String text = uri.toString();
        String user = uri.getRawUserInfo();
        return Printable.text(user == null ? text : text.replace(user + "@", ""));
    }
}
