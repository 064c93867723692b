package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NameFilterTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            download https://ann:hunter2@example.org/a.jpg | download https://ann:***@example.org/a.jpg
            get /a?user=ann&token=abc123&size=3            | get /a?user=ann&token=***&size=3
            login {"user":"ann","password":"hunter2"}      | login {"user":"ann","password":"***"}
            env AWS_SECRET=abc PATH=/bin                   | env AWS_SECRET=*** PATH=/bin
            401 for Authorization: Bearer abc.def-ghi      | 401 for Authorization: Bearer ***
            api_key: 12345, retries: 3                     | api_key: ***, retries: 3
            password="two words, and \\" one", size=3       | password="***", size=3
            {"secret": "a b", 'token':'c;d', "n": 1}      | {"secret": "***", 'token':'***', "n": 1}
            password:        hunter2                       | password:        ***
            {\\"password\\":\\"ab,c\\",\\"n\\":1}                | {\\"password\\":\\"***\\",\\"n\\":1}
            key=abc123, monkey=1, keys=2                   | key=***, monkey=1, keys=2
            secretKey=abc123 privateKey: def456 n=1        | secretKey=*** privateKey: *** n=1
            redis://:p@ss@host/0                           | redis://:***@host/0
            tokens counted: 3                              | tokens counted: 3
            com.acme.Shop::lambda                          | com.acme.Shop::lambda
            https://example.org:8080/a@b                   | https://example.org:8080/a@b
            """)
    void secretsAreHidden(String text, String shown) {
        assertThat(NameFilter.DEFAULT.filter(text)).isEqualTo(shown);
    }

    @Test
    void whatStandsBetweenNameAndSecretDoesNotMatter() {
        assertThat(NameFilter.DEFAULT.filter("password\t=\n\tabc")).doesNotContain("abc");
        assertThat(NameFilter.DEFAULT.filter("Authorization: Bearer\tabc")).doesNotContain("abc");
        assertThat(NameFilter.DEFAULT.filter("password=\"abc")).doesNotContain("abc");
    }

    @Test
    void textsAreOneLineAndShort() {
        assertThat(NameFilter.DEFAULT.filter("a\nb\u001b[31mc\u2028d\u009be")).isEqualTo("a?b?[31mc?d?e");
        assertThat(NameFilter.DEFAULT.filter("x".repeat(1000))).isEqualTo("x".repeat(300) + "...");
        String late = "x".repeat(290) + " password=" + "y".repeat(50);
        assertThat(NameFilter.DEFAULT.filter(late)).doesNotContain("y");
    }
}
