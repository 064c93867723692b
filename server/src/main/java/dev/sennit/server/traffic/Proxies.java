package dev.sennit.server.traffic;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The proxies whose word is taken: addresses, ranges of addresses, and clients of a Unix socket. Immutable. */
public final class Proxies {
    private static final String UNIX = "unix";
    private static final Pattern FORM = Pattern.compile("([0-9A-Fa-f.:]{2,45})(?:/([0-9]{1,3}))?");
    private static final Pattern FOUR = Pattern.compile("(?:[0-9]{1,3}\\.){3}[0-9]{1,3}");
    private static final Pattern SIX = Pattern.compile("[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*");

    private record Range(byte[] address, int bits) {
        boolean has(byte[] other) {
            if (other.length != address.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> (bit & 7);
                if (((other[bit >> 3] ^ address[bit >> 3]) & mask) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    private final List<Range> ranges = new ArrayList<>();
    private final boolean hasUnix;

    /**
     * Reads addresses. No name is looked up.
     *
     * @throws IllegalArgumentException if one is no address
     */
    public Proxies(List<String> texts) {
        boolean isUnix = false;
        for (String text : texts) {
            if (text.equals(UNIX)) {
                isUnix = true;
            } else {
                ranges.add(range(text));
            }
        }
        hasUnix = isUnix;
    }

    private static Range range(String text) {
        Matcher parts = FORM.matcher(text);
        InetAddress address = parts.matches() ? address(parts.group(1)) : null;
        int most = address == null ? 0 : address.getAddress().length * 8;
        String given = address == null ? null : parts.group(2);
        int bits = given == null ? most : Integer.parseInt(given);
        if (address == null || bits > most) {
            throw new IllegalArgumentException("proxies must be addresses such as 10.1.2.3, 10.0.0.0/8 or fd00::/8, or "
                    + UNIX + ", was \"" + text + "\"");
        }
        return new Range(address.getAddress(), bits);
    }

    /** Reads an IPv4 or IPv6 address, without a port, a zone or brackets; null if it is none. */
    public static @Nullable InetAddress address(String text) {
        if (!FOUR.matcher(text).matches() && !SIX.matcher(text).matches()) {
            return null; // the JDK also takes 127.1 and 2130706433
        }
        try {
            return InetAddress.ofLiteral(text);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    public boolean isEmpty() {
        return ranges.isEmpty() && !hasUnix;
    }

    /** Whether the other end of a connection is a proxy of ours. */
    public boolean hasPeer(@Nullable SocketAddress peer) {
        return switch (peer) {
            case InetSocketAddress inet -> inet.getAddress() != null && has(inet.getAddress());
            case UnixDomainSocketAddress _ -> hasUnix;
            case null, default -> false;
        };
    }

    public boolean has(InetAddress address) {
        byte[] bytes = address.getAddress();
        for (Range range : ranges) {
            if (range.has(bytes)) {
                return true;
            }
        }
        return false;
    }
}
