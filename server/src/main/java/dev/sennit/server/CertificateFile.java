package dev.sennit.server;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * A certificate as its files have it, with its key.
 *
 * @param chain the certificate first, then those that signed
 */
record CertificateFile(PrivateKey key, List<X509Certificate> chain) {
    /** A chain has some KB; whoever names a film by mistake gets a message. */
    private static final int MOST_BYTES = 1 << 20;

    private static final Pattern PEM =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]*)-----END \\1-----");
    private static final byte[] PROBE = "signed to see whether the key belongs to the certificate"
            .getBytes(StandardCharsets.US_ASCII);

    /**
     * Reads the files of a certificate.
     *
     * @throws IOException if that cannot be used; its message is one line: the file, the cause, and what to do
     */
    static CertificateFile read(TlsSettings.Source source) throws IOException {
        CertificateFile read = source.key() == null ? store(source) : pem(source, source.key());
        if (!isPair(read.key, read.chain.getFirst().getPublicKey())) {
            throw refused(source.key() == null ? source.certificate() : source.key(),
                    "has another key than the certificate"
                            + (source.key() == null ? "" : " in " + source.certificate()),
                    "name the key with which the certificate was asked for, and put the certificate first", null);
        }
        return read;
    }

    private static IOException refused(
            String file, String cause, String remedy, @Nullable Throwable because) {
        return new IOException("TLS: file " + file + " " + cause + ": " + remedy, because);
    }

    private static byte[] bytes(String file) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            bytes = in.readNBytes(MOST_BYTES + 1);
        } catch (NoSuchFileException e) {
            throw refused(file, "is not there", "correct the path, or put the file there", e);
        } catch (AccessDeniedException e) {
            throw refused(file, "may not be read by this user", "give it to this user, chmod 600", e);
        } catch (IOException e) {
            throw refused(file, "cannot be read (" + e.getMessage() + ")", "correct the path", e);
        }
        if (bytes.length > MOST_BYTES) {
            throw refused(file, "has more than " + MOST_BYTES + " bytes", "name a certificate or key", null);
        }
        return bytes;
    }

    // ---- PEM ----

    private static CertificateFile pem(TlsSettings.Source source, String keyFile) throws IOException {
        return new CertificateFile(key(keyFile, source.password()), chain(source.certificate()));
    }

    private static List<X509Certificate> chain(String file) throws IOException {
        String text = new String(bytes(file), StandardCharsets.ISO_8859_1);
        List<X509Certificate> chain = new ArrayList<>();
        Matcher block = PEM.matcher(text);
        while (block.find()) {
            if (block.group(1).equals("CERTIFICATE")) {
                try {
                    chain.add((X509Certificate) CertificateFactory.getInstance("X.509")
                            .generateCertificate(
                                    new ByteArrayInputStream(decoded(file, "certificate", block.group(2)))));
                } catch (CertificateException e) {
                    throw refused(file, "has a certificate that cannot be read", "copy it again", e);
                }
            }
        }
        if (chain.isEmpty()) {
            throw refused(file, "has no certificate in PEM",
                    "name a file with BEGIN CERTIFICATE; openssl x509 -inform der -in FILE makes one of DER", null);
        }
        ensureOrder(file, chain);
        return chain;
    }

    private static void ensureOrder(String file, List<X509Certificate> chain) throws IOException {
        for (int i = 0; i + 1 < chain.size(); i++) {
            if (!chain.get(i).getIssuerX500Principal().equals(chain.get(i + 1).getSubjectX500Principal())) {
                throw refused(file, "has a chain in which certificate " + (i + 2) + " has not signed certificate "
                        + (i + 1), "put the server's own first, and behind each the one that signed it", null);
            }
        }
    }

    /** @param kind what it is */
    private static byte[] decoded(String file, String kind, String base64) throws IOException {
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw refused(file, "has a " + kind + " that cannot be read", "copy it again", e);
        }
    }

    private static PrivateKey key(String file, @Nullable String passwordFile) throws IOException {
        String text = new String(bytes(file), StandardCharsets.ISO_8859_1);
        Matcher block = PEM.matcher(text);
        while (block.find()) {
            String kind = block.group(1);
            if (kind.equals("PRIVATE KEY")) {
                return key(file, decoded(file, "key", block.group(2)));
            }
            if (kind.equals("ENCRYPTED PRIVATE KEY")) {
                if (passwordFile == null) {
                    throw refused(file, "has a key with a password", "name the file that has the password", null);
                }
                return key(file, decrypted(file, decoded(file, "key", block.group(2)), passwordFile));
            }
            if (kind.endsWith(" PRIVATE KEY")) {
                throw refused(file, "has a key in an older form, " + kind,
                        "openssl pkcs8 -topk8 -nodes -in FILE writes it as PRIVATE KEY", null);
            }
        }
        throw refused(file, "has no private key in PEM", "name a file with BEGIN PRIVATE KEY", null);
    }

    private static PrivateKey key(String file, byte[] encoded) throws IOException {
        for (String algorithm : List.of("RSA", "EC")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
            } catch (GeneralSecurityException e) {
                // perhaps of the other kind
            }
        }
        throw refused(file, "has a key that is neither RSA nor EC, or is damaged",
                "copy it again, or have a certificate made for such a key", null);
    }

    private static byte[] decrypted(String file, byte[] encoded, String passwordFile) throws IOException {
        char[] password = password(passwordFile);
        try {
            var info = new EncryptedPrivateKeyInfo(encoded);
            AlgorithmParameters parameters = info.getAlgParameters();
            // for PBES2 the parameters name the algorithm: that of the key is only the scheme
            String algorithm = parameters != null && info.getAlgName().equals("PBES2")
                    ? parameters.toString()
                    : info.getAlgName();
            var cipher = Cipher.getInstance(algorithm);
            cipher.init(Cipher.DECRYPT_MODE,
                    SecretKeyFactory.getInstance(algorithm).generateSecret(new PBEKeySpec(password)), parameters);
            return info.getKeySpec(cipher).getEncoded();
        } catch (IOException | GeneralSecurityException e) {
            throw refused(file, "has a key that the password in " + passwordFile + " does not open",
                    "correct the password, or write the key anew", e);
        } finally {
            Arrays.fill(password, ' ');
        }
    }

    // ---- PKCS12 ----

    private static CertificateFile store(TlsSettings.Source source) throws IOException {
        String file = source.certificate();
        String passwordFile = Objects.requireNonNull(source.password());
        byte[] bytes = bytes(file);
        char[] password = password(passwordFile);
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(new ByteArrayInputStream(bytes), password);
            @Nullable String alias = null;
            for (String one : Collections.list(store.aliases())) {
                if (store.isKeyEntry(one) && alias != null) {
                    throw refused(file, "has several keys", "keep one in it; each certificate has a store of its own",
                            null);
                }
                alias = store.isKeyEntry(one) ? one : alias;
            }
            if (alias == null) {
                throw refused(file, "has no private key", "put it in with its certificate", null);
            }
            @Nullable Certificate[] known = store.getCertificateChain(alias);
            if (known == null || known.length == 0) { // its key may be a secret one
                throw refused(file, "has a key without a certificate", "put both in", null);
            }
            List<X509Certificate> chain = new ArrayList<>();
            for (Certificate one : known) {
                chain.add((X509Certificate) one);
            }
            return new CertificateFile((PrivateKey) store.getKey(alias, password), chain);
        } catch (IOException e) {
            if (e.getMessage() != null && e.getMessage().startsWith("TLS: ")) {
                throw e;
            }
            throw refused(file, "is no PKCS12 store that the password in " + passwordFile + " opens",
                    "correct the password, or write the store anew", e);
        } catch (GeneralSecurityException | ClassCastException e) {
            throw refused(file, "has a key or certificate that cannot be read", "write the store anew", e);
        } finally {
            Arrays.fill(password, ' ');
        }
    }

    /** Returns the first line of a file. */
    private static char[] password(String file) throws IOException {
        String text = new String(bytes(file), StandardCharsets.UTF_8);
        String line = text.lines().findFirst().orElse("");
        if (line.isEmpty()) {
            throw refused(file, "has no password in its first line", "write it there", null);
        }
        return line.toCharArray();
    }

    // ---- both ----

    private static boolean isPair(PrivateKey key, PublicKey publicKey) {
        try {
            String algorithm = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
            var signs = Signature.getInstance(algorithm);
            signs.initSign(key);
            signs.update(PROBE);
            var verifies = Signature.getInstance(algorithm);
            verifies.initVerify(publicKey);
            verifies.update(PROBE);
            return verifies.verify(signs.sign());
        } catch (GeneralSecurityException e) { // keys of different kinds
            return false;
        }
    }
}
