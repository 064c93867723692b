package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.server.TlsSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a server has its certificates, in a file of services. */
class TlsReaderTest {
    private static final String HEAD = """
            [listeners.web]
            tcp = "127.0.0.1:0"
            [services.a]
            files = "."
            listener = "web"
            """;

    @TempDir
    Path folder;

    private ServicesFile read(String toml) throws IOException, ServicesFileException {
        return ServicesFile.read(Files.writeString(folder.resolve("s.toml"), toml), Map.of("NAME", "b"), 2);
    }

    private String problem(String toml) {
        List<String> problems = catchThrowableOfType(ServicesFileException.class, () -> read(toml)).problems();
        assertThat(problems).hasSize(1);
        return problems.getFirst();
    }

    @Test
    void eachKeyNamesAFile() throws Exception {
        Path a = folder.resolve("a");
        Path b = folder.resolve("b");
        Path c = folder.resolve("c");
        assertThat(read(HEAD).certificates()).isEmpty();
        assertThat(read(HEAD + "tls = { certificate = \"a\", key = \"${NAME}\" }").certificates())
                .containsExactly(TlsSettings.pem(a, b));
        assertThat(read(HEAD + "tls = { certificate = \"a\", key = \"b\", password-file = \"c\" }").certificates())
                .containsExactly(TlsSettings.pem(a, b, c));
        assertThat(read(HEAD + "tls = { certificate = [\"a\", \"b\"], key = [\"b\", \"/c\"] }").certificates())
                .containsExactly(TlsSettings.pem(a, b).and(TlsSettings.pem(b, Path.of("/c"))));
        assertThat(read(HEAD + "tls = { keystore = \"a\", password-file = \"c\" }").certificates())
                .containsExactly(TlsSettings.pkcs12(a, c));
        assertThat(read(HEAD + "tls = { keystore = \"a\", password-file = \"c\", http2 = false }").certificates())
                .containsExactly(TlsSettings.pkcs12(a, c).http2(false));
    }

    @Test
    void mistakesAreRefused() {
        assertThat(problem(HEAD + "tls = { certificate = \"a\" }"))
                .endsWith("tls must have a key for each certificate, has 1 certificates and 0 keys");
        assertThat(problem(HEAD + "tls = {}"))
                .endsWith("tls must have certificate and key, or keystore and password-file");
        assertThat(problem(HEAD + "tls = { keystore = \"a\" }"))
                .endsWith("tls must have a password-file for its keystore");
        assertThat(problem(HEAD + "tls = { certificate = \"a\", key = \"b\", password = \"c\" }"))
                .contains("unknown key \"password\" in tls; did you mean password-file?");
        assertThat(problem(HEAD + "tls = { keystore = 7 }")).contains("tls.keystore must be");
        assertThat(problem("[services.a]\ncommand = [\"x\"]\ntls = { certificate = \"a\", key = \"b\" }"))
                .endsWith("tls is for applications, and service a is none; leave it out");
    }
}
