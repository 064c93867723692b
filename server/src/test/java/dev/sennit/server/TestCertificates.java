package dev.sennit.server;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Certificates for tests, made by the JDK's keytool. */
final class TestCertificates {
    static final String PASSWORD = "a secret of the test";

    /** A certificate that has signed itself, in all forms. */
    record Made(Path certificate, Path key, Path store, Path password, X509Certificate x509) {
        TlsSettings pem() {
            return TlsSettings.pem(certificate, key);
        }

        TlsSettings pkcs12() {
            return TlsSettings.pkcs12(store, password);
        }
    }

    private TestCertificates() {}

    /** Returns a context for clients that take any certificate. */
    static SSLContext trusting() throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new X509ExtendedTrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        }}, null);
        return context;
    }

    /** Makes one for a host; the options are keytool's. */
    static Made make(Path folder, String name, String host, String... options) throws Exception {
        Path store = folder.resolve(name + ".p12");
        Path password = Files.writeString(folder.resolve(name + ".password"), PASSWORD + "\n");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-XX:TieredStopAtLevel=1", "-genkeypair", "-alias", name, "-keystore", store.toString(), "-storetype",
                "PKCS12", "-storepass", PASSWORD, "-dname", "CN=" + host, "-ext", "san=dns:" + host + ",ip:127.0.0.1",
                "-validity", "30"));
        command.addAll(List.of(options));
        Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (keytool.waitFor() != 0) {
            throw new IOException("keytool: " + said);
        }
        KeyStore made = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            made.load(in, PASSWORD.toCharArray());
        }
        X509Certificate x509 = (X509Certificate) made.getCertificate(name);
        PrivateKey key = (PrivateKey) made.getKey(name, PASSWORD.toCharArray());
        return new Made(write(folder.resolve(name + ".pem"), "CERTIFICATE", x509.getEncoded()),
                write(folder.resolve(name + ".key"), "PRIVATE KEY", key.getEncoded()), store, password, x509);
    }

    static Path write(Path file, String kind, byte[] bytes) throws IOException {
        return Files.writeString(file, "a comment\n-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + kind
                + "-----\n");
    }

    /** Writes a key with a password. */
    static Path encrypt(Made made, Path file) throws Exception {
        String algorithm = "PBEWithHmacSHA256AndAES_256";
        SecretKey secret =
                SecretKeyFactory.getInstance(algorithm).generateSecret(new PBEKeySpec(PASSWORD.toCharArray()));
        Cipher cipher = Cipher.getInstance(algorithm);
        cipher.init(Cipher.ENCRYPT_MODE, secret);
        String pem = Files.readString(made.key());
        byte[] plain = Base64.getMimeDecoder().decode(
                pem.substring(pem.indexOf("KEY-----") + 8, pem.indexOf("-----END")));
        byte[] pbes2 = {6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 5, 0x0d};
        byte[] algorithmAndParameters = der(0x30, pbes2, cipher.getParameters().getEncoded());
        return write(file, "ENCRYPTED PRIVATE KEY",
                der(0x30, algorithmAndParameters, der(4, cipher.doFinal(plain))));
    }

    /** Returns parts as one element. */
    private static byte[] der(int tag, byte[]... parts) {
        var content = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            content.writeBytes(part);
        }
        var element = new ByteArrayOutputStream();
        element.write(tag);
        element.write(0x82); // the length is in two bytes
        element.write(content.size() >> 8);
        element.write(content.size());
        element.writeBytes(content.toByteArray());
        return element.toByteArray();
    }
}
