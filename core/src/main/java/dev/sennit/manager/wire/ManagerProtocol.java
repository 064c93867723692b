package dev.sennit.manager.wire;

import dev.sennit.codec.MessageBuffer;
import dev.sennit.internal.Keys;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The protocol between a manager and its clients.
 *
 * <h2>The greeting</h2>
 *
 * Each side proves that it has the key, without sending it, and before either reads anything of variable length:
 *
 * <pre>
 * server: 8 bytes "sennitM1", 32 random bytes S
 * client: 32 random bytes C, HMAC-SHA256(key, "client" S C)
 * server: HMAC-SHA256(key, "server" S C), long server id, long lease in milliseconds, int longest message
 * </pre>
 *
 * The client's answer has 64 bytes, and until the proof has been found right, the server does nothing but compute it.
 * The words "client" and "server" prevent an answer from being played back to its sender. A client without the key
 * learns nothing but 40 bytes.
 *
 * <h2>Messages</h2>
 *
 * <pre>
 * int length of the body, byte kind, long call, long object, int method, long thread, body
 *
 * CALL       call a method of an object; the body is the arguments, an Object[], nothing for none    to the server
 * CALL_INTERRUPTED  the same, by a thread that is interrupted already                                to the server
 * CANCEL     interrupt that call; it is answered like every call                                     to the server
 * RETAIN     the client has one more proxy of an object                                              to the server
 * RELEASE    the client has one proxy less                                                           to the server
 * PING       asks for a PONG                                                                         to the server
 * VALUE      the result of a call; nothing for null                                                  to the client
 * FAILURE    the exception that a call threw                                                         to the client
 * CANCELLED  the call was interrupted, and has had no effect                                         to the client
 * PONG       answers a PING                                                                          to the client
 * </pre>
 *
 * A call is named by a number that its client chose; each call gets one answer. An object is named by the number that
 * the server gave it; object 0 is its {@code Directory}. A method is named by its index in the {@link MethodTable} of
 * its interface. The thread is the caller's, as a lock belongs to a thread. A message that breaks these rules ends the
 * connection, and nothing else.
 */
public final class ManagerProtocol {
    public static final byte CALL = 1;
    public static final byte CANCEL = 2;
    public static final byte RETAIN = 3;
    public static final byte RELEASE = 4;
    public static final byte PING = 5;
    public static final byte VALUE = 6;
    public static final byte FAILURE = 7;
    public static final byte CANCELLED = 8;
    public static final byte PONG = 9;
    public static final byte CALL_INTERRUPTED = 10;

    /** The cause given for a connection that ended without notice. */
    public static final String ENDED = "it closed the connection, or ended";

    /** The object that finds and makes the others. */
    public static final long DIRECTORY = 0;

    private static final byte[] GREETING = "sennitM1".getBytes(StandardCharsets.US_ASCII);
    private static final int NONCE = 32;
    private static final int PROOF = 32;
    private static final int HEADER = Integer.BYTES + 1 + 3 * Long.BYTES + Integer.BYTES;
    private static final int BUFFER = 1 << 16;
    /**
     * How much is allocated at most before any byte has arrived: a false length cannot make the reader allocate
     * gigabytes.
     */
    private static final int FIRST_ALLOCATION = 1 << 16;

    private static final byte[] NOTHING = {};

    private ManagerProtocol() {}

    // ---- greeting ----

    /** The server's answer to a client that has the key. */
    public record Welcome(long server, long leaseMillis, int longest) {}

    /** Greets a client; returns false if the client does not have the key. */
    public static boolean greetClient(InputStream in, OutputStream out, byte[] key, Welcome welcome)
            throws IOException {
        byte[] challenge = Keys.random(NONCE);
        out.write(ByteBuffer.allocate(GREETING.length + NONCE).put(GREETING).put(challenge).array());
        out.flush();
        byte[] answer = in.readNBytes(NONCE + PROOF);
        if (answer.length < NONCE + PROOF) {
            return false;
        }
        byte[] counter = Arrays.copyOf(answer, NONCE);
        byte[] proof = Arrays.copyOfRange(answer, NONCE, NONCE + PROOF);
        if (!MessageDigest.isEqual(proof, Keys.proof(key, "client", challenge, counter))) {
            return false;
        }
        out.write(ByteBuffer.allocate(PROOF + 2 * Long.BYTES + Integer.BYTES)
                .put(Keys.proof(key, "server", challenge, counter))
                .putLong(welcome.server())
                .putLong(welcome.leaseMillis())
                .putInt(welcome.longest())
                .array());
        out.flush();
        return true;
    }

    /** Greets a server; fails if the server does not have the key, or says that this client does not have it. */
    public static Welcome greetServer(InputStream in, OutputStream out, byte[] key) throws IOException {
        byte[] hello = in.readNBytes(GREETING.length + NONCE);
        if (hello.length < GREETING.length + NONCE
                || !Arrays.equals(hello, 0, GREETING.length, GREETING, 0, GREETING.length)) {
            throw new IOException("what listens there is no manager of this version");
        }
        byte[] challenge = Arrays.copyOfRange(hello, GREETING.length, hello.length);
        byte[] counter = Keys.random(NONCE);
        out.write(ByteBuffer.allocate(NONCE + PROOF).put(counter).put(Keys.proof(key, "client", challenge, counter))
                .array());
        out.flush();
        byte[] proof = in.readNBytes(PROOF);
        if (proof.length < PROOF) {
            throw new IOException("the manager has another key, or is too busy");
        }
        if (!MessageDigest.isEqual(proof, Keys.proof(key, "server", challenge, counter))) {
            throw new IOException("what listens there does not have the key");
        }
        var rest = new DataInputStream(in);
        return new Welcome(rest.readLong(), rest.readLong(), rest.readInt());
    }

    // ---- messages ----

    /** A received message. */
    public record Message(byte kind, long call, long object, int method, long thread, byte[] body) {
        private Message with(byte[] whole) {
            return new Message(kind, call, object, method, thread, whole);
        }
    }

    /** Returns a message without a body. */
    public static ByteBuffer message(byte kind, long call, long object) {
        return header(kind, call, object, 0, 0, 0).flip();
    }

    public static ByteBuffer call(long call, long object, int method, long thread, @Nullable MessageBuffer arguments) {
        return withBody(CALL, call, object, method, thread, arguments);
    }

    public static ByteBuffer interruptedCall(
            long call, long object, int method, long thread, @Nullable MessageBuffer arguments) {
        return withBody(CALL_INTERRUPTED, call, object, method, thread, arguments);
    }

    public static ByteBuffer answer(byte kind, long call, @Nullable MessageBuffer outcome) {
        return withBody(kind, call, 0, 0, 0, outcome);
    }

    private static ByteBuffer withBody(
            byte kind, long call, long object, int method, long thread, @Nullable MessageBuffer body) {
        int length = body == null ? 0 : body.length();
        ByteBuffer buffer = header(kind, call, object, method, thread, length);
        if (body != null) {
            buffer.put(body.bytes(), 0, length);
        }
        return buffer.flip();
    }

    private static ByteBuffer header(byte kind, long call, long object, int method, long thread, int length) {
        return ByteBuffer.allocate(HEADER + length)
                .putInt(length).put(kind).putLong(call).putLong(object).putInt(method).putLong(thread);
    }

    /** Cuts the bytes of a wire into messages. One thread at a time. */
    public static final class Reader {
        private final Wire wire;
        private final int longest;
        /** The bytes read and not yet used lie between position and limit. */
        private final ByteBuffer received;
        /** The message under way; null until its header has been received. */
        private @Nullable Message begun;
        /** Of the message under way: the length of its body, the bytes that are there, and how many these are. */
        private int length;
        private byte[] body = NOTHING;
        private int have;

        /** Puts bytes into the buffer, and returns -1 at the end. */
        public interface Source {
            int read(ByteBuffer target) throws IOException;
        }

        public Reader(Wire wire, int longest) {
            this.wire = wire;
            this.longest = longest;
            received = wire.bufferOf(BUFFER).limit(0);
        }

        /**
         * Waits for the next message.
         *
         * @return null at the end
         * @throws IOException if the connection breaks, or its bytes are no message
         */
        public @Nullable Message next() throws IOException {
            Message message = cut();
            while (message == null) {
                if (!receive(wire::read)) {
                    return null;
                }
                message = cut();
            }
            return message;
        }

        /**
         * Reads bytes from a source.
         *
         * @return false at the end
         * @throws EOFException if the end is in the middle of a message
         */
        public boolean receive(Source source) throws IOException {
            received.compact();
            try {
                if (source.read(received) >= 0) {
                    return true;
                }
            } finally {
                received.flip();
            }
            if (begun != null) {
                throw new EOFException("the other side ended in the middle of a message");
            }
            return false;
        }

        /**
         * Returns whether the other side has ended, as far as can be seen between two messages. Reads the bytes that
         * are there, if there is room.
         */
        public boolean hasEnded() {
            if (received.remaining() == received.capacity()) {
                return false;
            }
            try {
                return !receive(wire::readNow);
            } catch (IOException e) {
                return true;
            }
        }

        /** Returns the next message if it is complete, or null. */
        public @Nullable Message cut() throws IOException {
            if (begun == null) {
                begun = begin();
                if (begun == null) {
                    return null;
                }
            }
            while (have < length && received.hasRemaining()) {
                if (have == body.length) {
                    body = Arrays.copyOf(body, (int) Math.min(length, 2L * body.length));
                }
                int count = Math.min(received.remaining(), body.length - have);
                received.get(body, have, count);
                have += count;
            }
            if (have < length) {
                return null;
            }
            Message whole = body == begun.body() ? begun : begun.with(body);
            begun = null;
            body = NOTHING;
            return whole;
        }

        /** Takes the header of the next message and returns it, or null if it has not come. */
        private @Nullable Message begin() throws IOException {
            if (received.remaining() < HEADER) {
                return null;
            }
            length = received.getInt();
            if (length < 0 || length > longest) {
                throw new IOException("a message of " + length + " bytes; the longest allowed is " + longest);
            }
            byte kind = received.get();
            long call = received.getLong();
            long object = received.getLong();
            int method = received.getInt();
            long thread = received.getLong();
            body = length == 0 ? NOTHING : new byte[Math.min(length, Math.max(FIRST_ALLOCATION, received.remaining()))];
            have = 0;
            return new Message(kind, call, object, method, thread, body);
        }
    }
}
