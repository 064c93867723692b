package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.Normalizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FileNamesTest {
    @ParameterizedTest
    @CsvSource({
        "photos/cat.jpg,        cat",
        "cat.JPEG,              cat",
        "cat,                   cat",
        "a.b.png,               a.b",
        "notes.2024,            notes.2024",
        ".hidden.jpg,           _hidden",
        "..jpg,                 _",
        "-rf.png,               _rf",
        "~root.png,             _root",
        "CON.jpg,               _CON",
        "nul.tar.png,           _nul.tar",
        "Com1.png,              _Com1",
        "console.png,           console",
        "cat .jpg,              cat",
        "cat..jpg,              cat",
        "my cat.jpg,            my cat",
        "a*b?c:d|e.png,         a_b_c_d_e",
        "a\u202Egpj.exe.png,    a_gpj.exe",
        "a\u0301.png,           \u00e1",
        "a\u00a0b.png,          a_b",
        "\u732b.png,            \u732b",
    })
    void ofFiles(String path, String name) {
        assertThat(FileNames.of(new Source.LocalFile(Path.of(path)))).isEqualTo(name);
    }

    @ParameterizedTest
    @CsvSource({
        "http://example.org/a/cat.jpg,                 cat",
        "http://example.org/a/cat.jpg?size=5,          cat",
        "http://example.org/a/cat%20one%2B+.jpg,       cat one++",
        "http://example.org/a/,                        a",
        "http://example.org/,                          example.org",
        "http://example.org,                           example.org",
        "http://example.org/%2e%2e%2f%2e%2e%2fetc%2fpasswd, ___.._etc_passwd",
        "http://example.org/..%5C..%5Cwin.ini.jpg,     ___.._win.ini",
        "http://example.org/cat.jpg%00.png,            cat.jpg_",
        "http://example.org/%FF%FE.png,                \uFFFD\uFFFD",
        "http://example.org/..,                        __",
        "http://example.org/%0d%0aSet-Cookie.png,      __Set-Cookie",
    })
    void ofAddresses(String address, String name) {
        assertThat(FileNames.of(new Source.WebAddress(URI.create(address)))).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u00c4.jpg", "\u00e4.jpg", "a\u0308.jpg", "A\u0308.jpg"})
    void oneKeyForNamesThatSomeFileSystemTakesForOne(String name) {
        assertThat(FileNames.key(FileNames.safe(name))).isEqualTo(FileNames.key("\u00e4.jpg"));
    }

    /** Whatever a source is called, the name is one that every file system takes, and not changed any further. */
    @Test
    void everyNameIsSafe() {
        int[] special = {
            0, 7, 10, 13, 27, ' ', '.', '-', '~', '/', '\\', ':', '*', '?', '"', '<', '>', '|', '%', 0x7F, 0x85, 0xA0,
            0x300, 0x301, 0x345,
            0x202E, 0x2066, 0x200D, 0xFEFF, 0x2028, 0x3000, 0xD800, 0xDC00, 0xE000, 0xFFFE, 0x1F600, 0xE0001, 0x10FFFF,
            0x1100, 0x1161,
            0xAC00, 0x11A8, 0x0958, 0x2126, 'c', 'o', 'n'
        };
        Seeded.repeat(20, random -> {
            for (int round = 0; round < 100; round++) {
                var given = new StringBuilder();
                for (int n = random.generator().nextInt(random.generator().nextBoolean() ? 6 : 300); n > 0; n--) {
                    given.appendCodePoint(
                            random.generator().nextBoolean()
                                    ? special[random.generator().nextInt(special.length)]
                                    : random.generator().nextInt(random.generator().nextBoolean() ? 0x250 : 0x110000));
                }
                String name = FileNames.safe(given.toString());
                assertSafe(name);
                assertThat(FileNames.safe(name)).as("%s", given).isEqualTo(name);
                assertSafe(FileNames.withHash(name, given.toString(), 8));
            }
        });
    }

    private static void assertSafe(String name) {
        assertThat(name).isNotEmpty();
        assertThat(name.getBytes(StandardCharsets.UTF_8).length).isLessThanOrEqualTo(FileNames.MOST_BYTES);
        assertThat(new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8)).isEqualTo(name);
        assertThat(name).doesNotContainPattern("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Zl}\\p{Zp}/\\\\:*?\"<>|]");
        assertThat(name).doesNotMatch("[.\\-~ ].*").doesNotMatch("(?s).*[. ]");
        assertThat(name).doesNotMatch("(?i)(con|prn|aux|nul|com\\d|lpt\\d)(\\..*)?");
        assertThat(Normalizer.isNormalized(name, Normalizer.Form.NFC)).isTrue();
        assertThat(Path.of(name).getNameCount()).isEqualTo(1);
        assertThat(Path.of("out").resolve(name).normalize().getParent()).isEqualTo(Path.of("out"));
    }
}
