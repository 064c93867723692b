package dev.sennit.queue.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

/**
 * A certificate for {@code 127.0.0.1} that signs itself, and its key, as servers want them: in PEM.
 *
 * @param certificate the file with the certificate
 * @param key the file with the key, not encrypted
 */
public record OwnCertificate(Path certificate, Path key) {
    private static final String PASSWORD = "changeit";
    private static final int SECONDS = 60;

    /**
     * Makes one, with the JDK's {@code keytool}. It holds for two days.
     *
     * @param folder where the files go
     * @return the certificate
     * @throws IOException if that fails
     * @throws InterruptedException if the caller is interrupted
     */
    public static OwnCertificate in(Path folder) throws IOException, InterruptedException {
        Path store = folder.resolve("store.p12");
        Path log = folder.resolve("keytool.log");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=test", "-ext", "san=ip:127.0.0.1",
                "-validity", "2", "-storetype", "PKCS12", "-keystore", store.toString(), "-storepass", PASSWORD)
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        if (!keytool.waitFor(SECONDS, TimeUnit.SECONDS)) {
            keytool.destroyForcibly();
            throw new IOException("keytool has not made a certificate in " + SECONDS + " s");
        }
        if (keytool.exitValue() != 0) {
            throw new IOException("keytool made no certificate: " + Files.readString(log));
        }
        var made = new OwnCertificate(folder.resolve("certificate.pem"), folder.resolve("key.pem"));
        try (InputStream in = Files.newInputStream(store)) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(in, PASSWORD.toCharArray());
            Files.writeString(made.key, pem("PRIVATE KEY",
                    keys.getKey("server", PASSWORD.toCharArray()).getEncoded()));
            Files.writeString(made.certificate, pem("CERTIFICATE", keys.getCertificate("server").getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IOException("what keytool has made cannot be read", e);
        }
        return made;
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + what + "-----\n";
    }
}
