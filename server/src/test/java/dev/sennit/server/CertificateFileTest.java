package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of certificates that cannot be used; TlsIT has those that can. */
class CertificateFileTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY"})
    void aDamagedKeyIsNamed(String kind) throws Exception {
        Path password = Files.writeString(folder.resolve("password"), "secret\n");
        Path key = Files.writeString(folder.resolve("key"),
                "-----BEGIN " + kind + "-----\nA\n-----END " + kind + "-----\n");
        assertThatThrownBy(() -> CertificateFile.read(
                TlsSettings.pem(key, key, password).sources().getFirst()))
                .isInstanceOf(IOException.class)
                .hasMessage("TLS: file " + key + " has a key that cannot be read: copy it again");
    }

    @Test
    void aStoreWithoutTheCertificateOfItsKeyIsNamed() throws Exception {
        Path password = Files.writeString(folder.resolve("password"), "secret\n");
        Path file = folder.resolve("store");
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setEntry("a", new KeyStore.SecretKeyEntry(new SecretKeySpec(new byte[16], "AES")),
                new KeyStore.PasswordProtection("secret".toCharArray()));
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, "secret".toCharArray());
        }
        assertThatThrownBy(() -> CertificateFile.read(
                TlsSettings.pkcs12(file, password).sources().getFirst()))
                .isInstanceOf(IOException.class)
                .hasMessage("TLS: file " + file + " has a key without a certificate: put both in");
    }
}
