package dev.sennit.queue.rabbitmq;

import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.impl.ForgivingExceptionHandler;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Opens connections to the server of an address. The client's own recovery is off: who has a connection opens another
 * one, and knows what was lost with the old one. Over TLS, the certificate of the server is checked, and so is that it
 * is one of this host.
 */
final class Connector implements AutoCloseable {
    /** How long a request of the protocol waits for its answer. */
    static final int ANSWER_MILLIS = 15_000;
    private static final int CONNECT_MILLIS = 10_000;
    /** A connection whose other end is silent for twice as long is broken. */
    private static final int HEARTBEAT_SECONDS = 10;
    private static final int CLOSE_MILLIS = 2_000;
    /** What a server takes at most. The client ends the connection, with all that runs, when a larger message comes. */
    private static final int MOST_BYTES = 512 << 20;

    private final ConnectionFactory factory = new ConnectionFactory();
    private final ExecutorService callbacks;
    private final RabbitmqErrors errors;
    private final String shown;
    private final Map<Connection, Socket> open = new ConcurrentHashMap<>();
    /** The socket of the connection that a thread is opening. */
    private final ThreadLocal<Socket> opening = new ThreadLocal<>();
    private volatile boolean isClosed;

    Connector(Address address, RabbitmqErrors errors) {
        this(address, errors, Thread.ofVirtual().factory());
    }

    /** Makes one whose callbacks are called by other threads, for tests. */
    Connector(Address address, RabbitmqErrors errors, ThreadFactory threads) {
        this.errors = errors;
        shown = address.toString();
        callbacks = Executors.newThreadPerTaskExecutor(threads);
        factory.setHost(address.host());
        factory.setPort(address.port());
        factory.setVirtualHost(address.vhost());
        factory.setUsername(address.user());
        factory.setPassword(address.password());
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setConnectionTimeout(CONNECT_MILLIS);
        factory.setHandshakeTimeout(CONNECT_MILLIS);
        factory.setChannelRpcTimeout(ANSWER_MILLIS);
        factory.setRequestedHeartbeat(HEARTBEAT_SECONDS);
        factory.setMaxInboundMessageBodySize(MOST_BYTES);
        factory.setShutdownTimeout(0);
        factory.setSocketConfigurator(factory.getSocketConfigurator().andThen(opening::set));
        factory.setSharedExecutor(callbacks);
        factory.setThreadFactory(Thread.ofPlatform().daemon().name("sennit-rabbitmq-", 0).factory());
        factory.setExceptionHandler(new Silent());
        factory.setClientProperties(properties());
        if (address.isTls()) {
            factory.useSslProtocol(trusting(address.rootCertificates()));
            factory.enableHostnameVerification();
        }
    }

    private static Map<String, Object> properties() {
        Map<String, Object> properties = new java.util.HashMap<>(com.rabbitmq.client.impl.AMQConnection
                .defaultClientProperties());
        properties.put("product", "Sennit");
        properties.put("connection_name", "sennit " + ProcessHandle.current().pid());
        return properties;
    }

    /** What the client tells beside an exception of the caller is of no interest; it would be logged otherwise. */
    private static final class Silent extends ForgivingExceptionHandler {
        @Override
        protected void log(String message, Throwable e) {
            System.getLogger("dev.sennit").log(System.Logger.Level.DEBUG, message, e);
        }
    }

    /**
     * Opens a connection.
     *
     * @throws dev.sennit.queue.broker.BrokerException if that fails
     * @throws IllegalStateException if this is closed
     */
    Connection open() {
        ensureOpen();
        Connection fresh;
        try {
            fresh = factory.newConnection("sennit");
        } catch (IOException | TimeoutException | RuntimeException e) {
            throw errors.of(e, false);
        }
        open.put(fresh, opening.get());
        opening.remove();
        fresh.addShutdownListener(_ -> open.remove(fresh));
        if (isClosed) { // meanwhile: nobody closes this one
            close(fresh);
            ensureOpen();
        }
        return fresh;
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + shown + " is closed");
        }
    }

    /** Ends a connection on which a write hangs: to end it otherwise is to write, too. */
    void cut(Connection connection) {
        Socket socket = open.get(connection);
        if (socket != null) {
            try {
                socket.close();
            } catch (IOException e) {
                System.getLogger("dev.sennit").log(System.Logger.Level.DEBUG, "a socket was closed before", e);
            }
        }
    }

    /** Ends a connection, whatever state it is in. */
    static void close(@Nullable Connection connection) {
        if (connection != null) {
            try {
                connection.abort(CLOSE_MILLIS);
            } catch (AlreadyClosedException e) {
                // that is as well
            }
        }
    }

    /** Trusts the certificates of a file, or those that Java trusts. */
    private static SSLContext trusting(@Nullable String rootCertificates) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(rootCertificates == null ? null : store(rootCertificates));
            context.init(null, trust.getTrustManagers(), null);
            return context;
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

    /** Ends all its connections. */
    @Override
    public void close() {
        isClosed = true;
        open.keySet().forEach(Connector::close);
        callbacks.shutdown();
    }
}
