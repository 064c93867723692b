package dev.sennit.manager.wire;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Trusts one certificate, whoever signed it and whatever host it names. */
public final class PinnedCertificate implements X509TrustManager {
    /** Null to trust any certificate. */
    private final byte @Nullable [] trusted;

    private PinnedCertificate(byte @Nullable [] trusted) {
        this.trusted = trusted;
    }

    /** Asks a server of this JVM for its certificate, so that clients can be told. */
    public static byte[] ofServerAt(InetSocketAddress address) throws IOException {
        try (var socket = new Socket()) {
            socket.connect(address);
            return ManagerSocket.Remote.connected(socket, address, contextFor(null), false).certificate();
        }
    }

    public static SSLContext contextFor(byte @Nullable [] certificate) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new PinnedCertificate(certificate)}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has TLS", e);
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
        if (trusted != null && !MessageDigest.isEqual(chain[0].getEncoded(), trusted)) {
            throw new CertificateException("the manager has another certificate than the one it had: "
                    + chain[0].getSubjectX500Principal());
        }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
        throw new CertificateException("only servers are checked");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }
}
