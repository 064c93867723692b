package dev.sennit.images.internal.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.images.Seeded;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpecialAddressesTest {
    /** First and last address of each range, and whether the one before and the one after are public. */
    @ParameterizedTest
    @CsvSource({
        "0.0.0.0,         0.255.255.255,   none,    public",
        "10.0.0.0,        10.255.255.255,  public,  public",
        "100.64.0.0,      100.127.255.255, public,  public",
        "127.0.0.0,       127.255.255.255, public,  public",
        "169.254.0.0,     169.254.255.255, public,  public",
        "172.16.0.0,      172.31.255.255,  public,  public",
        "192.0.0.0,       192.0.0.255,     public,  public",
        "192.0.2.0,       192.0.2.255,     public,  public",
        "192.88.99.0,     192.88.99.255,   public,  public",
        "192.168.0.0,     192.168.255.255, public,  public",
        "198.18.0.0,      198.19.255.255,  public,  public",
        "198.51.100.0,    198.51.100.255,  public,  public",
        "203.0.113.0,     203.0.113.255,   public,  public",
        "224.0.0.0,       239.255.255.255, public,  special",
        "240.0.0.0,       255.255.255.255, special, none",
        "::,              ::1,             none,    special",
        "64:ff9b::,       64:ff9b::ffff:ffff, special, special",
        "64:ff9b:1::,     64:ff9b:1:ffff:ffff:ffff:ffff:ffff, special, special",
        "100::,           100::ffff:ffff:ffff:ffff, special, special",
        "2001::,          2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff, public, public",
        "2001:db8::,      2001:db8:ffff:ffff:ffff:ffff:ffff:ffff, public, public",
        "2002::,          2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff, public, public",
        "3fff::,          3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff, public, public",
        "4000::,          ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, public, none",
        "::,              1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, none, public",
        "fc00::,          fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, special, special",
        "fe80::,          febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff, special, special",
        "fec0::,          feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, special, special",
        "ff00::,          ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, special, none",
    })
    void rangesEndWhereTheyShould(String first, String last, String before, String after) {
        assertSpecial(InetAddress.ofLiteral(first));
        assertSpecial(InetAddress.ofLiteral(last));
        assertNeighbour(first, -1, before);
        assertNeighbour(last, 1, after);
    }

    private static void assertNeighbour(String address, int step, String expected) {
        if (expected.equals("none")) {
            return;
        }
        byte[] bytes = InetAddress.ofLiteral(address).getAddress();
        InetAddress neighbour = at(new BigInteger(1, bytes).add(BigInteger.valueOf(step)), bytes.length);
        assertThat(SpecialAddresses.purpose(neighbour) == null ? "public" : "special")
                .as("%s", neighbour)
                .isEqualTo(expected);
    }

    private static InetAddress at(BigInteger number, int length) {
        byte[] digits = number.toByteArray();
        byte[] bytes = new byte[length];
        for (int i = 0; i < Math.min(length, digits.length); i++) {
            bytes[length - 1 - i] = digits[digits.length - 1 - i];
        }
        try {
            return length == 4 ? InetAddress.getByAddress(bytes) : Inet6Address.getByAddress(null, bytes, -1);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static void assertSpecial(InetAddress address) {
        assertThat(SpecialAddresses.purpose(address)).as("%s", address).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.1.1.1", "8.8.8.8", "93.184.215.14", "192.0.1.255", "2606:2800:220:1:248:1893:25c8:1946",
        "2a00::1"})
    void otherAddressesArePublic(String address) {
        assertThat(SpecialAddresses.purpose(InetAddress.ofLiteral(address))).isNull();
    }

    @Test
    void ipv4WithinIpv6IsSpecialWhateverItsForm() throws Exception {
        byte[] mapped = new byte[16];
        mapped[10] = mapped[11] = -1;
        System.arraycopy(InetAddress.ofLiteral("8.8.8.8").getAddress(), 0, mapped, 12, 4);
        assertSpecial(Inet6Address.getByAddress(null, mapped, -1));
        mapped[10] = mapped[11] = 0;
        assertSpecial(Inet6Address.getByAddress(null, mapped, -1));
        assertSpecial(InetAddress.ofLiteral("::ffff:127.0.0.1"));
    }

    @Test
    void whatTheJdkCallsSpecialIsSpecialHere() {
        Seeded.repeat(20, random -> {
            for (int i = 0; i < 1000; i++) {
                byte[] bytes = new byte[random.generator().nextBoolean() ? 4 : 16];
                random.generator().nextBytes(bytes);
                if (bytes.length == 16 && random.generator().nextBoolean()) {
                    bytes[0] = (byte) (0xFC | random.generator().nextInt(4));
                }
                InetAddress address = InetAddress.getByAddress(bytes);
                if (address.isAnyLocalAddress() || address.isLoopbackAddress() || address.isLinkLocalAddress()
                        || address.isSiteLocalAddress() || address.isMulticastAddress()) {
                    assertSpecial(address);
                }
            }
        });
    }

    @Test
    void saysWhy() {
        assertThat(SpecialAddresses.purpose(InetAddress.ofLiteral("169.254.169.254")))
                .isEqualTo("169.254.0.0/16, link-local");
        assertThat(SpecialAddresses.purpose(InetAddress.ofLiteral("255.255.255.255")))
                .isEqualTo("255.255.255.255/32, broadcast");
        assertThat(SpecialAddresses.purpose(InetAddress.ofLiteral("4000::1"))).isEqualTo("outside of 2000::/3, public");
    }
}
