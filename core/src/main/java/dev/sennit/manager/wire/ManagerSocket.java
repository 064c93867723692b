package dev.sennit.manager.wire;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.security.cert.CertificateEncodingException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A connection while its two ends greet each other: one thread reads and writes in turn. Afterwards it becomes a wire.
 */
public sealed interface ManagerSocket extends Closeable {
    InputStream in() throws IOException;

    OutputStream out() throws IOException;

    /**
     * Turns this socket into a wire, which closes it.
     *
     * @param pauses whether reading pauses while too many bytes are unsent; at the server's end
     */
    Wire toWire(String name, boolean pauses) throws IOException;

    /** Returns the server's certificate, as it was checked; null if there is none. */
    byte @Nullable [] certificate() throws IOException;

    /** A connection within this machine. */
    record Local(SocketChannel channel) implements ManagerSocket {
        @Override
        public InputStream in() {
            return Channels.newInputStream(channel);
        }

        @Override
        public OutputStream out() {
            return Channels.newOutputStream(channel);
        }

        @Override
        public Wire toWire(String name, boolean pauses) throws IOException {
            return new ChannelWire(channel, pauses);
        }

        @Override
        public byte @Nullable [] certificate() {
            return null;
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** A connection between machines. Closes the socket below TLS, as closing the TLS socket might wait. */
    record Remote(Socket below, SSLSocket secured) implements ManagerSocket {
        public static Remote accepted(Socket below, SSLContext tls) throws IOException {
            try {
                below.setTcpNoDelay(true);
                var secured = (SSLSocket) tls.getSocketFactory().createSocket(below, null, true);
                secured.setUseClientMode(false);
                return new Remote(below, secured);
            } catch (IOException | RuntimeException e) {
                below.close(); // perhaps the other end has closed it already
                throw e;
            }
        }

        public static Remote connected(Socket below, InetSocketAddress to, SSLContext tls, boolean checksHostName)
                throws IOException {
            below.setTcpNoDelay(true);
            var secured =
                    (SSLSocket) tls.getSocketFactory().createSocket(below, to.getHostString(), to.getPort(), true);
            if (checksHostName) {
                SSLParameters parameters = secured.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                secured.setSSLParameters(parameters);
            }
            secured.startHandshake();
            return new Remote(below, secured);
        }

        @Override
        public InputStream in() throws IOException {
            return secured.getInputStream();
        }

        @Override
        public OutputStream out() throws IOException {
            return secured.getOutputStream();
        }

        @Override
        public Wire toWire(String name, boolean pauses) throws IOException {
            return new TlsWire(secured, below, name, pauses);
        }

        @Override
        public byte[] certificate() throws IOException {
            try {
                return secured.getSession().getPeerCertificates()[0].getEncoded();
            } catch (CertificateEncodingException e) {
                throw new IOException("the manager's certificate cannot be read: " + e.getMessage(), e);
            }
        }

        @Override
        public void close() throws IOException {
            below.close();
        }
    }
}
