package dev.sennit.server;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Instant;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** The certificates of a server, which may be read again while it runs. */
final class Certificates {
    private static final Logger LOGGER = System.getLogger("dev.sennit.server");
    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};
    /** Forward secrecy, and encryption that cannot be changed unnoticed. */
    private static final String[] CIPHERS = {
        "TLS_AES_.*", "TLS_CHACHA20_.*", "TLS_ECDHE_(ECDSA|RSA)_WITH_(AES_(128|256)_GCM|CHACHA20_POLY1305)_.*"};
    /** Of stores that are in memory alone. */
    private static final String NO_SECRET = "in memory";

    private final TlsSettings settings;
    private final SslContextFactory.Server factory = new SslContextFactory.Server();
    /** Guarded by this, once others have this. */
    private KeyStore current;

    /** @throws IOException if one cannot be used; its message is one line: the file, the cause, and what to do */
    Certificates(TlsSettings settings) throws IOException {
        this.settings = settings;
        factory.setIncludeProtocols(PROTOCOLS);
        factory.setIncludeCipherSuites(CIPHERS);
        factory.setRenegotiationAllowed(false);
        factory.setKeyStorePassword(NO_SECRET);
        current = read(settings);
        factory.setKeyStore(current);
    }

    /** Returns whether HTTP/2 is spoken with clients that can. */
    boolean isHttp2() {
        return settings.isHttp2();
    }

    SslContextFactory.Server factory() {
        return factory;
    }

    /**
     * Reads the files again. Connections that come later have what is in them now.
     *
     * @throws IOException if one cannot be used; its message is one line, and all stays as it was
     */
    synchronized void reload() throws IOException {
        KeyStore next = read(settings);
        try {
            factory.reload(same -> same.setKeyStore(next));
            current = next;
        } catch (Exception e) { // the files were read and fit
            var failure = new IOException("TLS: the certificates cannot be used: " + e, e);
            try { // by now the factory has none
                factory.reload(same -> same.setKeyStore(current));
            } catch (Exception again) {
                failure.addSuppressed(again);
            }
            throw failure;
        }
    }

    private static KeyStore read(TlsSettings settings) throws IOException {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            for (int i = 0; i < settings.sources().size(); i++) {
                TlsSettings.Source source = settings.sources().get(i);
                CertificateFile file = CertificateFile.read(source);
                X509Certificate own = file.chain().getFirst();
                if (own.getNotAfter().toInstant().isBefore(Instant.now())) { // it is served: a stop would be worse
                    LOGGER.log(Level.WARNING, "TLS: the certificate in {0} has expired at {1}: renew it",
                            source.certificate(), own.getNotAfter().toInstant());
                }
                store.setKeyEntry(Integer.toString(i), file.key(), NO_SECRET.toCharArray(),
                        file.chain().toArray(X509Certificate[]::new));
            }
            return store;
        } catch (GeneralSecurityException e) {
            throw new IOException("TLS: the certificates cannot be used: " + e.getMessage(), e);
        }
    }
}
