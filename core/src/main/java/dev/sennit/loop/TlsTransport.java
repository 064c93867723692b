package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * TLS over a socket. Every step between two waits is complete when the next wait begins, so a cancelled wait can be
 * repeated: received records stay in {@code incoming}, unsent ones in {@code outgoing}. The computations of a handshake
 * run on the JVM's common pool.
 */
final class TlsTransport implements Transport {
    private static final Duration HANDSHAKE = Duration.ofSeconds(30);
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final SocketTransport below;
    private final SSLEngine engine;
    private final String name;
    private final EventLoop loop;

    /** Held by the coroutine that wraps and sends, or does the handshake. */
    private final FairLock sending = new FairLock();
    /** Guarded by sending. Records that are not wholly sent yet: between position and limit. */
    private ByteBuffer outgoing;

    // Only in a turn, and only the coroutine that reads or does the handshake:
    /** Received records, up to its position. */
    private ByteBuffer incoming;
    /** Whether there is no whole record in {@link #incoming}. */
    private boolean needsMore;
    /** Whether the other side has sent close_notify. */
    private boolean ended;
    /** Whether its bytes ended without close_notify. */
    private boolean cutOff;
    private volatile boolean handsShaken;
    /** The computation of the handshake that is under way. */
    private @Nullable CompletableFuture<?> computing;

    /**
     * Begins TLS over a connection.
     *
     * @param come bytes of TLS that the other side has sent already
     */
    TlsTransport(SocketTransport below, SSLEngine engine, String name, EventLoop loop, ByteBuffer come) {
        this.below = below;
        this.engine = engine;
        this.name = name;
        this.loop = loop;
        int record = engine.getSession().getPacketBufferSize();
        outgoing = ByteBuffer.allocate(record).limit(0);
        needsMore = !come.hasRemaining();
        incoming = ByteBuffer.allocate(Math.max(record, come.remaining())).put(come);
    }

    /** Returns a client's engine, which accepts only certificates for the host. */
    static SSLEngine clientEngine(SSLContext context, String host, int port) {
        SSLEngine engine = context.createSSLEngine(host, port);
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS"); // else any trusted certificate would do
        engine.setSSLParameters(parameters);
        return engine;
    }

    /**
     * Returns a server's engine.
     *
     * @param parameters further demands; null for the context's own only
     */
    static SSLEngine serverEngine(SSLContext context, @Nullable SSLParameters parameters) {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        if (parameters != null) {
            engine.setSSLParameters(parameters);
        }
        return engine;
    }

    // ---- handshake ----

    @Override
    public void shakeHands(Deadline given) throws IOException, InterruptedException {
        if (handsShaken) {
            return;
        }
        Deadline own = Deadline.in(HANDSHAKE);
        Deadline deadline = given.left() > own.left() ? own : given;
        lock(deadline);
        try {
            if (!handsShaken) {
                engine.beginHandshake();
                while (goOn(deadline)) {}
                handsShaken = true;
            }
        } catch (SSLException e) {
            sayFarewell(); // tells the other side why
            below.close("the handshake failed");
            throw new SSLHandshakeException(name + ": " + e.getMessage(), e);
        } finally {
            sending.unlock();
        }
    }

    /** Does a step of the handshake; returns whether there was a step to do. */
    private boolean goOn(Deadline deadline) throws IOException, InterruptedException {
        flush(deadline); // left unsent by a cancelled handshake
        switch (engine.getHandshakeStatus()) {
            case NEED_TASK -> compute(deadline);
            case NEED_WRAP -> {
                wrap(NOTHING);
                flush(deadline);
            }
            case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                if (needsMore) {
                    below.awaitReadable(deadline);
                }
                if (readNow(loop.scratch()) < 0) {
                    throw new SSLHandshakeException("the other side has ended the handshake");
                }
            }
            case NOT_HANDSHAKING, FINISHED -> {
                flush(deadline);
                return false;
            }
        }
        return true;
    }

    @Override
    public @Nullable SSLSession session() {
        return handsShaken ? engine.getSession() : null;
    }

    private void compute(Deadline deadline) throws IOException, InterruptedException {
        CompletableFuture<?> task = computing;
        if (task == null) {
            Runnable next = engine.getDelegatedTask();
            if (next == null) {
                return;
            }
            task = CompletableFuture.runAsync(next);
            computing = task;
        }
        CompletableFuture<?> waitedFor = task;
        try {
            EventLoop.suspending(() -> deadline.get(waitedFor));
            computing = null;
        } catch (TimeoutException e) {
            throw deadline.missed("the handshake of " + name);
        } catch (ExecutionException e) {
            computing = null;
            throw new SSLException(String.valueOf(e.getCause()), e.getCause());
        } catch (InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    // ---- reading ----

    @Override
    public void awaitReadable(Deadline deadline) throws IOException, InterruptedException {
        shakeHands(deadline);
        if (engine.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
            compute(deadline);
        }
        if (needsMore) {
            below.awaitReadable(deadline);
        }
    }

    /** {@inheritDoc} The target has room for a whole record: it is the scratch buffer. */
    @Override
    public int readNow(ByteBuffer target) throws IOException {
        if (cutOff) {
            throw wasCutOff();
        }
        while (!ended) {
            if (needsMore) {
                int count = below.readNow(incoming);
                if (count < 0) {
                    cutOff = true;
                    throw wasCutOff();
                }
                if (count == 0) {
                    return 0;
                }
            }
            SSLEngineResult result = unwrap(target);
            switch (result.getStatus()) {
                case BUFFER_UNDERFLOW -> makeRoom();
                case CLOSED -> ended = true;
                case BUFFER_OVERFLOW -> throw new AssertionError(target);
                case OK -> {
                    needsMore = incoming.position() == 0;
                    if (result.bytesProduced() > 0) {
                        return result.bytesProduced();
                    }
                    HandshakeStatus next = result.getHandshakeStatus();
                    if (next == HandshakeStatus.FINISHED || next == HandshakeStatus.NEED_TASK
                            || next == HandshakeStatus.NEED_WRAP) {
                        return 0; // awaitReadable or the handshake deals with it
                    }
                }
            }
        }
        return -1;
    }

    private SSLException wasCutOff() {
        return new SSLException(name + " was cut off: it ended without TLS's close_notify, so some may be missing");
    }

    private SSLEngineResult unwrap(ByteBuffer target) throws SSLException {
        incoming.flip();
        try {
            return engine.unwrap(incoming, target);
        } finally {
            incoming.compact();
        }
    }

    private void makeRoom() {
        needsMore = true;
        int record = engine.getSession().getPacketBufferSize();
        if (incoming.capacity() < record) {
            incoming = ByteBuffer.allocate(record).put(incoming.flip());
        }
    }

    // ---- writing ----

    @Override
    public void write(ByteBuffer source, Deadline deadline) throws IOException, InterruptedException {
        shakeHands(deadline);
        lock(deadline);
        try {
            flush(deadline);
            while (source.hasRemaining()) {
                if (!wrap(source)) {
                    throw new SocketException(name + ": its output was shut down");
                }
                flush(deadline);
            }
        } finally {
            sending.unlock();
        }
    }

    @Override
    public void shutdownOutput(Deadline deadline) throws IOException, InterruptedException {
        shakeHands(deadline);
        lock(deadline);
        try {
            flush(deadline);
            engine.closeOutbound();
            wrap(NOTHING);
            flush(deadline);
        } finally {
            sending.unlock();
        }
    }

    private void lock(Deadline deadline) throws IOException, InterruptedException {
        sending.lockForWriting(deadline, name);
    }

    /** Makes a record, once all before it are sent; returns whether it was made. */
    private boolean wrap(ByteBuffer source) throws IOException {
        outgoing.clear();
        try {
            while (true) {
                SSLEngineResult result = engine.wrap(source, outgoing);
                switch (result.getStatus()) {
                    case BUFFER_OVERFLOW -> {
                        int record = engine.getSession().getPacketBufferSize();
                        outgoing = ByteBuffer.allocate(Math.max(record, 2 * outgoing.capacity()));
                    }
                    case CLOSED -> {
                        return result.bytesProduced() > 0;
                    }
                    default -> {
                        if (result.bytesProduced() == 0 && source.hasRemaining()) {
                            throw new SSLException(
                                    name + ": the other side began a second handshake, which is not supported");
                        }
                        return true;
                    }
                }
            }
        } finally {
            outgoing.flip();
        }
    }

    private void flush(Deadline deadline) throws IOException, InterruptedException {
        if (outgoing.hasRemaining()) {
            below.write(outgoing, deadline);
        }
    }

    // ---- both ----

    /**
     * {@inheritDoc} Sends close_notify before, unless a coroutine is sending, or the system does not take it at once.
     */
    @Override
    public void close(String why) {
        if (!below.isClosed() && sending.tryLock()) {
            try {
                sayFarewell();
            } finally {
                sending.unlock();
            }
        }
        below.close(why);
    }

    /** Sends close_notify as far as the system takes it at once. With the lock. */
    private void sayFarewell() {
        try {
            engine.closeOutbound();
            while (!outgoing.hasRemaining() && !engine.isOutboundDone() && wrap(NOTHING) && outgoing.hasRemaining()) {
                below.writeNow(outgoing);
            }
        } catch (IOException e) {
            // then without close_notify
        }
    }

    @Override
    public boolean isClosed() {
        return below.isClosed();
    }

    @Override
    public void ensureOpen() throws StreamClosedException {
        below.ensureOpen();
    }
}
