package dev.sennit.images.internal.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.images.Seeded;
import java.net.InetAddress;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebUriTest {
    @ParameterizedTest
    @CsvSource({
        "http://example.org,                     http://example.org/",
        "HTTP://Example.ORG/Cat.JPG,             http://example.org/Cat.JPG",
        "https://example.org:8443/a?b=c#d,       https://example.org:8443/a?b=c",
        "http://example.org:/a,                  http://example.org/a",
        "http://example.org?a,                   http://example.org/?a",
        "http://example.org/a b/<c>|{d}.jpg,     http://example.org/a%20b/%3Cc%3E%7C%7Bd%7D.jpg",
        "http://example.org/100%/%41%zz,         http://example.org/100%25/%41%25zz",
        "http://example.org/\u00e4.jpg,          http://example.org/%C3%A4.jpg",
        "http://b\u00fccher.example/x,           http://xn--bcher-kva.example/x",
        "http://example.org./x,                  http://example.org./x",
        "http://192.0.2.1/x,                     http://192.0.2.1/x",
        "http://[2001:DB8::1]:80/x,              http://[2001:DB8::1]:80/x",
        "http://good.example\\@evil.example/,    http://good.example/%5C@evil.example/",
        "http://example.org//a//b,               http://example.org//a//b",
    })
    void readsWhatPeopleWrite(String given, URI expected) {
        assertThat(WebUri.parse(given)).isEqualTo(expected);
        assertThat(WebUri.parse(expected.toString())).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/", "http://0177.0.0.1/",
                "http://010.0.0.1/", "http://127.0.0.1./", "http://256.0.0.1/", "http://1.2.3.4.5/", "http://0x/",
                "http://127.0.0.08/",
                "http://%31%32%37.0.0.1/", "http://[::1%25lo]/", "http://[fe80::1%lo]/", "http://[::1/",
                "http://[1.2.3.4]x/",
                "http://user@example.org/", "http://user:secret@127.0.0.1/", "http://example.org:0/",
                "http://example.org:65536/",
                "http://example.org:8 0/", "http://", "http:///x", "http:/example.org/", "http:example.org",
                "ftp://example.org/",
                "file:///etc/passwd", "http://exa mple.org/", "http://exa\u202Emple.org/", "http://a..b/", "http://.a/",
                "http://a_b\u0000/",
                "javascript:alert(1)", "", "//example.org/"
            })
    void refusesTheRestInOneLine(String given) {
        assertThatThrownBy(() -> WebUri.parse(given))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .hasLineCount(1)
                .doesNotContain("secret", "\u202E", "\u0000");
    }

    /** A pattern that is matched by recursion has no end but that of the stack. */
    @Test
    void hostsOfAnyLengthAreRefusedWithALine() {
        for (int labels : new int[] {127, 1000, 4000, 100_000}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> WebUri.parse("http://" + "a.".repeat(labels) + "b/cat.jpg"));
        }
        assertThat(WebUri.parse("http://" + "a.".repeat(126) + "b/").getHost()).hasSize(253);
    }

    @Test
    void wideDigitsAreDigits() {
        assertThat(WebUri.parse("http://\uFF11\uFF12\uFF17.0.0.1/")).isEqualTo(URI.create("http://127.0.0.1/"));
    }

    @ParameterizedTest
    @CsvSource({
        "https://other.example/x,  https://other.example/x",
        "//other.example/x,        http://other.example/x",
        "/x,                       http://example.org:81/x",
        "x.jpg,                    http://example.org:81/a/x.jpg",
        "../x.jpg,                 http://example.org:81/x.jpg",
        "./x//y.jpg?z,             http://example.org:81/a/x/y.jpg?z",
        "?z,                       http://example.org:81/a/b?z",
        "'',                       http://example.org:81/a/b",
        "#top,                     http://example.org:81/a/b",
        "/\u00c3\u00a4.jpg,        http://example.org:81/%C3%A4.jpg",
    })
    void followsRedirects(String location, URI expected) {
        assertThat(WebUri.redirect(URI.create("http://example.org:81/a/b?c"), location)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "ftp://example.org/x", "data:image/png;base64,AAAA", "http:",
        "http://2130706433/", "//u@h/"})
    void doesNotFollowOthers(String location) {
        assertThatThrownBy(() -> WebUri.redirect(URI.create("http://example.org/a"), location))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .hasLineCount(1);
    }

    /** Whatever is given: what comes out is read the same way by others, or it is refused. */
    @Test
    void everyAddressIsClearOrRefused() {
        String[] pieces = {
            "http", "https", "://", "/", "?", "#", "@", ":", "[", "]", "::1", "127.0.0.1", "0x7f", "1", ".", "a", "%",
            "%41", "%00", "\\",
            "\u0000", "\n", " ", "\u202E", "\u00e4", "\uD83D\uDE00", "\uD800", "example.org", "-", "_", "80", "..", "&",
            "="
        };
        Seeded.repeat(20, random -> {
            for (int i = 0; i < 300; i++) {
                var text = new StringBuilder(random.generator().nextBoolean() ? "http://" : "");
                for (int n = random.generator().nextInt(10); n >= 0; n--) {
                    text.append(pieces[random.generator().nextInt(pieces.length)]);
                }
                URI uri;
                try {
                    uri = WebUri.parse(text.toString());
                } catch (IllegalArgumentException e) {
                    assertThat(e.getMessage()).hasLineCount(1);
                    continue;
                }
                assertThat(uri.toString()).as("%s", text).matches("https?://[!-~]+");
                assertThat(uri.getRawUserInfo()).as("%s", text).isNull();
                assertThat(uri.getRawAuthority()).as("%s", text).startsWith(uri.getHost());
                assertThat(WebUri.parse(uri.toString())).isEqualTo(uri);
                if (uri.getHost().matches("[0-9.]+")) { // then Java takes it for the same address
                    assertThat(InetAddress.ofLiteral(uri.getHost()).getHostAddress()).isEqualTo(uri.getHost());
                }
            }
        });
    }
}
