package dev.sennit.server;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a server has its certificates from. Immutable. Files are named here and read by the workers: when they start,
 * and on a reload in place. Passwords stand in files of their own, and are in no setting and no message.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 *
 * TlsSettings tls = TlsSettings.pem(Path.of("shop.pem"), Path.of("shop.key"))
 *         .and(TlsSettings.pkcs12(Path.of("admin.p12"), Path.of("admin.password")))
 *         .http2(false);
 * }
 *
 * <p>TLS 1.2 and 1.3 are spoken, with ciphers that keep what was said before secret if the key is lost later. Of
 * several certificates, a client gets the first whose names have the name that it asks for (SNI), and the very first if
 * none has.
 */
public final class TlsSettings implements Serializable {
    private static final long serialVersionUID = 1L;

    /**
     * The files of one certificate, as texts, since paths do not travel.
     *
     * @param certificate the chain in PEM; or a PKCS12 store if there is no key
     * @param key null if the store has it
     * @param password a file with the password of the key or store; null if it has none
     */
    record Source(String certificate, @Nullable String key, @Nullable String password) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    @SuppressWarnings("serial") // a list of the JDK's
    private final List<Source> sources;

    private final boolean http2;

    private TlsSettings(List<Source> sources, boolean http2) {
        this.sources = List.copyOf(sources);
        this.http2 = http2;
    }

    /**
     * A certificate in PEM files.
     *
     * @param certificate the file with the certificate, and behind it those that lead to a root: each signs the one
     *     before
     * @param key the file with its private key, RSA or EC, in PKCS#8: {@code BEGIN PRIVATE KEY}
     * @return the settings
     */
    public static TlsSettings pem(Path certificate, Path key) {
        return new TlsSettings(List.of(new Source(absolute(certificate), absolute(key), null)), true);
    }

    /**
     * A certificate in PEM files, whose key has a password.
     *
     * @param certificate as for {@link #pem(Path, Path)}
     * @param key the file with its private key: {@code BEGIN ENCRYPTED PRIVATE KEY}
     * @param password the file with the password, in its first line
     * @return the settings
     */
    public static TlsSettings pem(Path certificate, Path key, Path password) {
        return new TlsSettings(
                List.of(new Source(absolute(certificate), absolute(key), absolute(password))), true);
    }

    /**
     * A certificate in a PKCS12 store, which has one key.
     *
     * @param store the store
     * @param password the file with its password, in its first line
     * @return the settings
     */
    public static TlsSettings pkcs12(Path store, Path password) {
        return new TlsSettings(List.of(new Source(absolute(store), null, absolute(password))), true);
    }

    private static String absolute(Path file) {
        return file.toAbsolutePath().normalize().toString();
    }

    /**
     * Returns these settings with more certificates, for other names.
     *
     * @param others which have them
     * @return the settings
     */
    public TlsSettings and(TlsSettings others) {
        return new TlsSettings(
                Stream.concat(sources.stream(), others.sources.stream()).toList(), http2 && others.http2);
    }

    /**
     * Returns these settings with or without HTTP/2, for clients that can speak it. With it is the default.
     *
     * @param isSpoken whether it is spoken; otherwise HTTP/1.1 alone is
     * @return the settings
     */
    public TlsSettings http2(boolean isSpoken) {
        return new TlsSettings(sources, isSpoken);
    }

    /**
     * Reads all files, and looks whether a server could use them.
     *
     * @throws IOException if it could not; its message is one line: the file, the cause, and what to do
     */
    public void check() throws IOException {
        for (Source source : sources) {
            var _ = CertificateFile.read(source);
        }
    }

    List<Source> sources() {
        return sources;
    }

    boolean isHttp2() {
        return http2;
    }

    /** Returns whether others name the same files. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TlsSettings same && sources.equals(same.sources) && http2 == same.http2;
    }

    @Override
    public int hashCode() {
        return Objects.hash(sources, http2);
    }

    /** Returns the names of the files. */
    @Override
    public String toString() {
        return "TLS with " + sources.stream().map(Source::certificate).toList() + (http2 ? "" : ", HTTP/1.1 alone");
    }
}
