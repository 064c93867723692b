package dev.sennit.server;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** A client that sends frames of HTTP/2 as it is told, also such as no client should. One thread writes, one reads. */
final class Http2Client implements AutoCloseable {
    static final int DATA = 0;
    static final int HEADERS = 1;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int PING = 6;
    static final int GOAWAY = 7;
    static final int CONTINUATION = 9;
    static final int END_STREAM = 1;
    static final int END_HEADERS = 4;

    /** A frame that came. */
    record Frame(int type, int flags, int stream, byte[] payload) {
        /** The number at an index of the payload. */
        int number(int index) {
            return (payload[index] & 0xff) << 24 | (payload[index + 1] & 0xff) << 16 | (payload[index + 2] & 0xff) << 8
                    | payload[index + 3] & 0xff;
        }
    }

    private final SSLSocket socket;
    private final DataInputStream in;
    private final OutputStream out;

    Http2Client(EngineUnderTest server) throws Exception {
        socket = (SSLSocket) TestCertificates.trusting().getSocketFactory()
                .createSocket(server.connect(), "127.0.0.1", server.port(), true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"h2", "http/1.1"});
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        in = new DataInputStream(socket.getInputStream());
        out = socket.getOutputStream();
    }

    String protocol() {
        return socket.getApplicationProtocol();
    }

    /** Begins the connection. */
    Http2Client begin() throws IOException {
        out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        send(SETTINGS, 0, 0, new byte[0]);
        return this;
    }

    static byte[] frame(int type, int flags, int stream, byte[] payload) {
        var frame = new ByteArrayOutputStream();
        frame.write(payload.length >> 16);
        frame.write(payload.length >> 8);
        frame.write(payload.length);
        frame.write(type);
        frame.write(flags);
        for (int shift = 24; shift >= 0; shift -= 8) {
            frame.write(stream >> shift);
        }
        frame.writeBytes(payload);
        return frame.toByteArray();
    }

    void send(int type, int flags, int stream, byte[] payload) throws IOException {
        sendRaw(frame(type, flags, stream, payload));
    }

    void sendRaw(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    /** Returns the fields of a GET, as HPACK has them. */
    static byte[] get(String path) {
        var block = new ByteArrayOutputStream();
        block.writeBytes(new byte[] {(byte) 0x82, (byte) 0x87, 0x41, 0x01, 'a', 0x44, (byte) path.length()});
        block.writeBytes(path.getBytes(StandardCharsets.US_ASCII));
        return block.toByteArray();
    }

    void get(int stream, String path) throws IOException {
        send(HEADERS, END_STREAM | END_HEADERS, stream, get(path));
    }

    /** Returns the next frame. */
    Frame next() throws IOException {
        int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
        int type = in.readUnsignedByte();
        int flags = in.readUnsignedByte();
        int stream = in.readInt();
        return new Frame(type, flags, stream, in.readNBytes(length));
    }

    /** Returns the next frame of a type. */
    Frame next(int type) throws IOException {
        Frame next = next();
        while (next.type() != type) {
            next = next();
        }
        return next;
    }

    /** Reads until the connection is closed. */
    void awaitEnd() {
        try {
            while (true) {
                next();
            }
        } catch (EOFException e) {
            // the end
        } catch (IOException e) { // a reset
            if (e instanceof SocketTimeoutException) {
                throw new AssertionError("the connection stays open", e);
            }
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
