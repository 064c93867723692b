package dev.sennit.queue.redis.foreign;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.JedisSocketFactory;
import redis.clients.jedis.exceptions.JedisConnectionException;

/**
 * Opens sockets to a server. Over TLS, the certificate of the server is checked, and so is that it is one of this host.
 */
public final class Sockets implements JedisSocketFactory {
    private static final int CONNECT_MILLIS = 10_000;

    private final Endpoint address;
    private final int answerMillis;

    /**
     * Makes sockets to a server.
     *
     * @param address the server
     * @param answerMillis how long to wait for an answer, or 0 for ever
     */
    public Sockets(Endpoint address, int answerMillis) {
        this.address = address;
        this.answerMillis = answerMillis;
    }

    @Override
    public Socket createSocket() {
        Sentinels sentinels = address.sentinels();
        if (sentinels == null) {
            return connect(new Sentinels.Node(address.host(), address.port()), CONNECT_MILLIS);
        }
        Sentinels.Node master = sentinels.master();
        try {
            return connect(master, Sentinels.connectMillis());
        } catch (JedisConnectionException e) {
            throw sentinels.unreachable(master, e);
        }
    }

    private Socket connect(Sentinels.Node to, int millis) {
        IOException error = null;
        try {
            for (InetAddress each : InetAddress.getAllByName(to.host())) {
                try {
                    return connect(each, to, millis);
                } catch (IOException e) {
                    if (error == null) {
                        error = e;
                    } else {
                        error.addSuppressed(e);
                    }
                }
            }
        } catch (UnknownHostException e) {
            error = e;
        }
        throw new JedisConnectionException("cannot connect", error);
    }

    private Socket connect(InetAddress host, Sentinels.Node to, int millis) throws IOException {
        var socket = new Socket();
        try {
            socket.setTcpNoDelay(true);
            socket.setKeepAlive(true);
            socket.connect(new InetSocketAddress(host, to.port()), millis);
            socket.setSoTimeout(answerMillis);
            if (!address.isTls()) {
                return socket;
            }
            var secure = (SSLSocket) trusting(address.rootCertificates()).createSocket(socket, to.host(), to.port(),
                    true);
            SSLParameters parameters = secure.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            secure.setSSLParameters(parameters);
            secure.startHandshake();
            return secure;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /** Sockets that trust the certificates of a file, or those that Java trusts. */
    private static SSLSocketFactory trusting(@Nullable String rootCertificates) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(rootCertificates == null ? null : store(rootCertificates));
            context.init(null, trust.getTrustManagers(), null);
            return context.getSocketFactory();
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("sslrootcert must be a file with certificates in PEM, was "
                    + rootCertificates + ": " + e.getMessage(), e);
        } catch (IOException | InvalidPathException e) {
            throw new IllegalArgumentException("sslrootcert cannot be read: " + rootCertificates, e);
        }
    }

    private static KeyStore store(String file) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            int number = 0;
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("root-" + number++, each);
            }
            if (number == 0) {
                throw new GeneralSecurityException("it has none");
            }
        }
        return store;
    }

    @Override
    public String toString() {
        return address.host() + ":" + address.port();
    }

    /** Returns what is behind an error of a connection in the end: the reason to tell people. */
    public static Throwable causeOf(Throwable error) {
        Throwable cause = error;
        for (int depth = 0; depth < 20; depth++) {
            Throwable next = cause.getCause();
            if (next == null && cause.getSuppressed().length > 0) { // one for each address of the host
                next = cause.getSuppressed()[0];
            }
            if (next == null) {
                break;
            }
            cause = next;
        }
        return cause;
    }
}
