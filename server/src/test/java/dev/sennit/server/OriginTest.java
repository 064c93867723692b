package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.server.FrontSettings.ProxyFields;
import dev.sennit.server.traffic.Proxies;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a request comes from. The proxies are 10.0.0.0/8 and fd00::/8. */
class OriginTest {
    private static final Proxies PROXIES = new Proxies(List.of("10.0.0.0/8", "fd00::/8"));

    private static final Origin UNKNOWN = new Origin("unknown", 0, null, null);

    private static @Nullable Origin forwarded(String... lines) {
        return Origin.of(name -> name.equals("Forwarded") ? List.of(lines) : List.of(), ProxyFields.FORWARDED, PROXIES);
    }

    private static @Nullable Origin xForwarded(Map<String, String> fields) {
        return Origin.of(
                name -> fields.containsKey(name) ? List.of(fields.get(name)) : List.of(), ProxyFields.X_FORWARDED,
                PROXIES);
    }

    private static @Nullable Origin xFor(String value) {
        return xForwarded(Map.of("X-Forwarded-For", value));
    }

    // ---- which of the addresses ----

    @Test
    void theFirstAddressFromTheRightThatIsNotTrusted() {
        assertThat(xFor("203.0.113.7")).isEqualTo(new Origin("203.0.113.7", 0, null, null));
        assertThat(xFor("6.6.6.6, 203.0.113.7")).as("the left one is the client's word")
                .isEqualTo(new Origin("203.0.113.7", 0, null, null));
        assertThat(xFor("203.0.113.7, 10.1.1.1, fd12::1")).isEqualTo(new Origin("203.0.113.7", 0, null, null));
        assertThat(xFor("10.3.3.3, 10.1.1.1")).as("a client within").isEqualTo(new Origin("10.3.3.3", 0, null, null));
        assertThat(xFor("rubbish!, 203.0.113.7")).as("what the client says harms nobody")
                .isEqualTo(new Origin("203.0.113.7", 0, null, null));
    }

    @Test
    void schemeAndHostAreThoseOfTheSameProxy() {
        assertThat(forwarded("for=6.6.6.6;proto=http;host=evil, for=203.0.113.7;proto=https;host=\"shop.example:8443\"",
                "for=10.1.1.1;proto=http;host=within"))
                .isEqualTo(new Origin("203.0.113.7", 0, "https", "shop.example:8443"));
        assertThat(xForwarded(Map.of("X-Forwarded-For", "203.0.113.7, 10.1.1.1", "X-Forwarded-Proto", "HTTPS, http",
                "X-Forwarded-Host", "shop")))
                .isEqualTo(new Origin("203.0.113.7", 0, "https", "shop"));
    }

    @Test
    void aProxyThatSaysNothingOfItsClientEndsTheList() {
        assertThat(forwarded("for=6.6.6.6, proto=https, for=10.1.1.1"))
                .isEqualTo(new Origin("10.1.1.1", 0, null, null));
        assertThat(forwarded("for=6.6.6.6, proto=https")).isNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "for=192.0.2.43 | 192.0.2.43 | 0",
        "For=\"192.0.2.43:47011\" | 192.0.2.43 | 47011",
        "for=\"[2001:db8:cafe::17]:4711\" | 2001:db8:cafe:0:0:0:0:17 | 4711",
        "for=\"[2001:db8:cafe::17]\" | 2001:db8:cafe:0:0:0:0:17 | 0",
        "for=unknown | unknown | 0",
        "for=_gazonk | _gazonk | 0",
        "for=\"_gazonk:_port\" | _gazonk | 0",
        "for=\"192.0.2.4\\3\" | 192.0.2.43 | 0",
        "for=\"[::ffff:192.0.2.43]\" | 192.0.2.43 | 0",
        " , for=192.0.2.43 ; , | unknown | 0",
        "by=203.0.113.43;for=192.0.2.43;x=\"a,b;c=\\\"\";; | 192.0.2.43 | 0"
    })
    void formsOfRfc7239(String line, String client, int port) {
        Origin origin = forwarded(line);
        assertThat(origin).isEqualTo(new Origin(client, port, null, null));
    }

    @Test
    void aProxyThatSaysNothing() {
        assertThat(forwarded("", " , ,")).isNull();
        assertThat(xFor(" , ")).isNull();
        assertThat(xForwarded(Map.of("X-Forwarded-Proto", "https"))).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "for", "for=", "for=\"", "for=\"a", "for=\"a\\", "for=1.2.3.4 x", "for=1.2.3.4;for=1.2.3.4",
        "for=1.2.3.400", "for=1.2.3", "for=1.2.3.4:80", "for=[::1]", "for=\"[1.2.3.4]\"", "for=\"1.2.3.4:99999\"",
        "for=\"1.2.3.4:\"", "for=shop.example", "for=\"a b\"", "=1.2.3.4",
        "for=\"fe80::1%eth0\"",
        "for=\u00e9"
    })
    void aClientOfWhichNoProxyWritesSoIsUnknown(String line) {
        assertThat(forwarded(line)).isEqualTo(UNKNOWN);
        assertThat(forwarded("for=6.6.6.6", line)).isEqualTo(UNKNOWN);
        assertThat(forwarded("for=6.6.6.6, for=5.5.5.5, " + line)).isEqualTo(UNKNOWN);
        assertThat(forwarded("for=6.6.6.6," + line + ", for=10.1.1.1")).as("10.1.1.1 has said that it is another")
                .isEqualTo(UNKNOWN);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "for=\"", "for=\"a\\", "\"", "\\", "x=\"y", "for=1.2.3.4;x=\"", "for=1.2.3.4, for=\"[::1", ";;=;", "for",
        "for=a b",
        "for=1.2.3.4;for=1.2.3.4", "\0"
    })
    void whatTheClientHasSentChangesNothing(String forged) {
        Origin client = new Origin("203.0.113.7", 0, "https", "shop");
        assertThat(forwarded(forged + ", for=203.0.113.7;proto=https;host=\"shop\"")).isEqualTo(client);
        assertThat(forwarded(forged, "for=203.0.113.7;proto=https;host=shop,for=10.1.1.1")).isEqualTo(client);
        assertThat(xForwarded(Map.of("X-Forwarded-For", forged + ", 203.0.113.7", "X-Forwarded-Proto", "https",
                "X-Forwarded-Host", "shop"))).isEqualTo(client);
    }

    @Test
    void moreElementsThanProxiesChangeNothing() {
        Origin client = new Origin("203.0.113.7", 0, null, null);
        assertThat(xFor("10.1.1.1,".repeat(5000) + "203.0.113.7, 10.1.1.1")).isEqualTo(client);
        assertThat(forwarded("for=10.1.1.1,".repeat(5000) + "for=203.0.113.7, for=10.1.1.1")).isEqualTo(client);
        assertThat(xFor("1.1.1.1," + "10.1.1.1,".repeat(5000))).as("so many proxies nobody has")
                .isEqualTo(new Origin("10.1.1.1", 0, null, null));
    }

    @Test
    void aSchemeOrHostThatCannotBeReadIsDroppedAlone() {
        Origin client = new Origin("203.0.113.7", 0, null, "shop");
        for (String bad : List.of("ftp", "javascript", "https,http", "http, http, http")) {
            assertThat(xForwarded(Map.of("X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", bad,
                    "X-Forwarded-Host", "shop"))).as(bad).isEqualTo(client);
        }
        assertThat(forwarded("for=203.0.113.7;proto=ftp;host=shop")).isEqualTo(client);
        for (String bad : List.of("a b", "a:99999", "a/b", "")) {
            assertThat(forwarded("proto=https;for=203.0.113.7;host=\"" + bad + "\"")).as(bad)
                    .isEqualTo(new Origin("203.0.113.7", 0, "https", null));
        }
        assertThat(xForwarded(Map.of("X-Forwarded-For", "rubbish", "X-Forwarded-Proto", "https")))
                .isEqualTo(new Origin("unknown", 0, "https", null));
    }

    @Test
    void formsOfTheOtherFields() {
        assertThat(xFor("[2001:db8::1]:81")).isEqualTo(new Origin("2001:db8:0:0:0:0:0:1", 81, null, null));
        assertThat(xFor("2001:db8::1")).isEqualTo(new Origin("2001:db8:0:0:0:0:0:1", 0, null, null));
        assertThat(xFor("203.0.113.7:81")).isEqualTo(new Origin("203.0.113.7", 81, null, null));
        for (String bad : List.of("localhost", "1.2.3.4/8", "2130706433", "127.1", "1.2.3.4, x", "[::1", "::1]")) {
            assertThat(xFor(bad)).as(bad).isEqualTo(UNKNOWN);
        }
        assertThat(xForwarded(
                Map.of("X-Forwarded-For", "1.2.3.4, 10.1.1.1, 10.1.1.2", "X-Forwarded-Proto", "http, https")))
                .as("which belongs to which?").isEqualTo(new Origin("1.2.3.4", 0, null, null));
    }

    @Test
    void noValueThrows() {
        Random random = new Random(7);
        String[] parts = {"for=", "\"", "[", "]", ":", "1.2.3.4", "::1", ",", ";", "=", " ", "\\", "proto=", "host=",
            "_a", "\0"};
        for (int i = 0; i < 20_000; i++) {
            StringBuilder line = new StringBuilder();
            for (int n = random.nextInt(12); n > 0; n--) {
                line.append(parts[random.nextInt(parts.length)]);
            }
            forwarded(line.toString());
            xFor(line.toString());
        }
    }

    // ---- which proxies ----

    @Test
    void rangesHaveTheirAddresses() throws Exception {
        Proxies proxies = new Proxies(List.of("192.0.2.128/25", "203.0.113.7", "2001:db8::/33"));
        assertThat(proxies.has(InetAddress.ofLiteral("192.0.2.128"))).isTrue();
        assertThat(proxies.has(InetAddress.ofLiteral("192.0.2.127"))).isFalse();
        assertThat(proxies.has(InetAddress.ofLiteral("203.0.113.7"))).isTrue();
        assertThat(proxies.has(InetAddress.ofLiteral("203.0.113.6"))).isFalse();
        assertThat(proxies.has(InetAddress.ofLiteral("2001:db8:7fff::1"))).isTrue();
        assertThat(proxies.has(InetAddress.ofLiteral("2001:db8:8000::1"))).isFalse();
        assertThat(new Proxies(List.of("0.0.0.0/0")).has(InetAddress.ofLiteral("8.8.8.8"))).isTrue();
        assertThat(proxies.hasPeer(new InetSocketAddress("203.0.113.7", 9))).isTrue();
        assertThat(proxies.hasPeer(UnixDomainSocketAddress.of("/s"))).isFalse();
        assertThat(new Proxies(List.of("unix")).hasPeer(UnixDomainSocketAddress.of(""))).isTrue();
        assertThat(new Proxies(List.of("unix")).hasPeer(null)).as("nobody knows who that was").isFalse();
        assertThat(new Proxies(List.of()).isEmpty()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "shop.example", "10.0.0.0/33", "10/8", "::/129", "10.0.0.0/-1", "10.0.0.0/", "1.2.3.4:80"})
    void whatIsNoAddressIsRefused(String text) {
        assertThatThrownBy(() -> FrontSettings.DEFAULTS.proxies(List.of(text)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("proxies must be addresses such as 10.1.2.3, 10.0.0.0/8 or fd00::/8, or unix, was \"" + text
                        + "\"");
    }
}
