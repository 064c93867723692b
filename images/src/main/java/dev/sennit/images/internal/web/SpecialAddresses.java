package dev.sennit.images.internal.web;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The addresses that are not in the public Internet: this machine, its network, and reserved ranges.
 *
 * <p>From the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its updates): every block that
 * has an address which is not globally reachable is listed as a whole. In IPv6 nothing outside of 2000::/3 was assigned
 * as public, so all of that counts as special. The predicates of {@link InetAddress} miss many of these.
 */
final class SpecialAddresses {
    private static final List<Range> RANGES = List.of(
            range("0.0.0.0/8", "this network"),
            range("10.0.0.0/8", "private"),
            range("100.64.0.0/10", "shared by a carrier's customers"),
            range("127.0.0.0/8", "loopback"),
            range("169.254.0.0/16", "link-local"),
            range("172.16.0.0/12", "private"),
            range("192.0.0.0/24", "protocol assignments"),
            range("192.0.2.0/24", "documentation"),
            range("192.88.99.0/24", "6to4 relays"),
            range("192.168.0.0/16", "private"),
            range("198.18.0.0/15", "benchmarks"),
            range("198.51.100.0/24", "documentation"),
            range("203.0.113.0/24", "documentation"),
            range("224.0.0.0/4", "multicast"),
            range("255.255.255.255/32", "broadcast"),
            range("240.0.0.0/4", "reserved"),
            range("::/128", "unspecified"),
            range("::1/128", "loopback"),
            range("64:ff9b::/96", "translated to IPv4"),
            range("64:ff9b:1::/48", "translated to IPv4"),
            range("::/8", "reserved, or IPv4 within"), // ::ffff:0:0/96 and ::/96 among them
            range("100::/64", "discarded"),
            range("2001::/32", "Teredo"),
            range("2001::/23", "protocol assignments"),
            range("2001:db8::/32", "documentation"),
            range("2002::/16", "6to4"),
            range("3fff::/20", "documentation"),
            range("fc00::/7", "private"),
            range("fe80::/10", "link-local"),
            range("fec0::/10", "site-local"),
            range("ff00::/8", "multicast"));
    private static final Range PUBLIC = range("2000::/3", "public");

    private SpecialAddresses() {}

    private record Range(String text, byte[] first, int bits, String purpose) {
        boolean contains(byte[] address) {
            if (address.length != first.length) {
                return false;
            }
            int whole = bits / 8;
            if (!Arrays.equals(address, 0, whole, first, 0, whole)) {
                return false;
            }
            int mask = 0xFF00 >> bits % 8 & 0xFF;
            return mask == 0 || (address[whole] & mask) == (first[whole] & mask);
        }

        @Override
        public String toString() {
            return text + ", " + purpose;
        }
    }

    private static Range range(String text, String purpose) {
        int slash = text.indexOf('/');
        byte[] first = InetAddress.ofLiteral(text.substring(0, slash)).getAddress();
        return new Range(text, first, Integer.parseInt(text.substring(slash + 1)), purpose);
    }

    /**
     * Returns the purpose that an address is reserved for.
     *
     * @return the range and its purpose, such as {@code 10.0.0.0/8, private}; null if it is public
     */
    static @Nullable String purpose(InetAddress address) {
        byte[] bytes = address.getAddress();
        for (Range range : RANGES) {
            if (range.contains(bytes)) {
                return range.toString();
            }
        }
        return bytes.length == 4 || PUBLIC.contains(bytes) ? null : "outside of " + PUBLIC;
    }
}
