package dev.sennit.server;

import dev.sennit.server.files.FileRegion;
import dev.sennit.server.jetty.JettyApplication;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.http2.ErrorCode;
import org.eclipse.jetty.http2.HTTP2Session;
import org.eclipse.jetty.http2.HTTP2Stream;
import org.eclipse.jetty.http2.frames.GoAwayFrame;
import org.eclipse.jetty.http2.frames.ResetFrame;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A connection that knows what it waits for: a handshake, a request, the rest of a head, or the responses to calls.
 * Over HTTP/1 there is one call at a time, over HTTP/2 there is one for each stream.
 */
final class Lane extends SocketChannelEndPoint {
    private final long openedAt = System.nanoTime();
    /** Read once, as a closed socket tells none; null if it was closed before. */
    private final @Nullable SocketAddress remoteAddress;
    private final Set<Call> calls = ConcurrentHashMap.newKeySet();
    /** Whether it is encrypted. Written before the first bytes. */
    private volatile boolean isSecure;
    /** Whether its handshake is under way. */
    private volatile boolean isShaking;
    /** When the first byte of a head came; 0 if none has come. */
    private volatile long headSince;
    /** Since when it has no request. */
    private volatile long idleSince = openedAt;
    /** Its streams; null if it speaks HTTP/1. Written before the first bytes of requests. */
    private volatile @Nullable HTTP2Session session;
    /** When the client of HTTP/2 was told to begin no more streams; 0 if it was not. Only the thread that looks. */
    private long toldSince;
    /** When its end began; 0 if it has not. Only the thread that looks. */
    private long endingSince;
    /** The part of a file that is being sent, or was. */
    private volatile @Nullable FileRegion region;
    /** Which application has the connection since it has left HTTP; null before. */
    private volatile @Nullable JettyApplication application;
    /** The connection after it left HTTP; null before. */
    private volatile @Nullable Connection upgraded;
    /** Whether its peer was told that the worker stops. Only the thread that looks. */
    private boolean isTold;
    /** Guarded by this; null once it has run, or if there is none. */
    private @Nullable Runnable whenClosed;

    Lane(SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
        super(channel, selector, key, scheduler);
        remoteAddress = super.getRemoteSocketAddress();
    }

    @Override
    public @Nullable SocketAddress getRemoteSocketAddress() {
        return remoteAddress;
    }

    /** Returns the lane below an end point, which may be encrypted. */
    static Lane of(EndPoint endPoint) {
        return (Lane) (endPoint instanceof EndPoint.Wrapper encrypted ? encrypted.unwrap() : endPoint);
    }

    // ---- bytes ----

    @Override
    public int fill(ByteBuffer buffer) throws IOException {
        int n = super.fill(buffer);
        if (n > 0 && !isSecure) {
            filled();
        }
        return n;
    }

    /** Notes that bytes of requests came, decrypted. */
    void filled() {
        if (session == null && headSince == 0 && calls.isEmpty() && application == null) {
            headSince = System.nanoTime() | 1;
        }
    }

    /** Sends the region of a file where the buffer that stands for it is the last of those given. */
    @Override
    public boolean flush(ByteBuffer... buffers) throws IOException {
        FileRegion sent = region;
        int last = buffers.length - 1;
        if (sent == null || last < 0 || buffers[last] != sent.standIn()) {
            return super.flush(buffers);
        }
        if (last > 0 && !super.flush(Arrays.copyOf(buffers, last))) {
            return false;
        }
        if (sent.sendTo(getChannel()) > 0) {
            notIdle();
        }
        return !sent.standIn().hasRemaining();
    }

    /** Has a region of a file sent in the place of a buffer, which has to be written next. */
    ByteBuffer send(FileRegion next) {
        region = next;
        return next.standIn();
    }

    /**
     * Returns whether bytes reach the connection as they are written, but for framing: then the system may send them.
     */
    boolean isPlain() {
        return !isSecure && session == null;
    }

    // ---- the protocol ----

    /** Notes that it has many requests at a time. */
    void multiplexes(HTTP2Session streams) {
        session = streams;
    }

    boolean isMultiplexed() {
        return session != null;
    }

    /**
     * Tells a client of HTTP/2 that has its response to send no more of its request. It is no error: a client may throw
     * a response away that is followed by one.
     *
     * @param id that of the request
     */
    void stopReading(String id) {
        HTTP2Session streams = session;
        HTTP2Stream stream = streams == null ? null : streams.getStream(Integer.parseInt(id));
        if (stream != null && !stream.isRemotelyClosed() && !stream.isReset()) {
            stream.reset(new ResetFrame(stream.getId(), ErrorCode.NO_ERROR.code), Callback.NOOP);
        }
    }

    // ---- the handshake ----

    /** Notes that bytes are encrypted, and that the handshake has not ended. */
    void shakes() {
        isSecure = true;
        isShaking = true;
    }

    void hasShaken() {
        idleSince = System.nanoTime();
        isShaking = false;
    }

    boolean isShaking() {
        return isShaking;
    }

    long openedAt() {
        return openedAt;
    }

    // ---- calls ----

    /** Notes that the head of a request is there. */
    void began(Call begun) {
        calls.add(begun);
        headSince = 0;
    }

    /** Notes that the response of the call is ready. Called before Jetty looks for the next request. */
    void ended(Call ended) {
        idleSince = System.nanoTime();
        calls.remove(ended);
    }

    /**
     * Notes that Jetty has nothing more to read of a call over HTTP/1: what came since {@link #ended} was the rest of
     * its body, and no head.
     */
    void completed() {
        headSince = 0;
    }

    /** The calls that are under way. */
    Set<Call> calls() {
        return calls;
    }

    /** Returns whether a request is there; also one whose call has not begun, as no thread has taken it yet. */
    boolean isBusy() {
        HTTP2Session streams = session;
        return !calls.isEmpty() || streams != null && streams.getStreamCount() > 0;
    }

    /** Notes that the connection leaves HTTP. */
    void leaveHttp(JettyApplication to) {
        application = to;
    }

    /** Returns which application has the connection; null if it is one of HTTP. */
    @Nullable JettyApplication application() {
        return application;
    }

    @Override
    public void upgrade(Connection connection) {
        super.upgrade(connection);
        hasBecome(connection);
    }

    /** Notes what speaks from now on on the connection, or below its encryption. */
    void hasBecome(Connection connection) {
        if (application != null) { // before, it is the choice between the versions of HTTP
            upgraded = connection;
        }
    }

    /** Returns what has become of the connection; null before, and if its peer was told that the worker stops. */
    @Nullable Connection untold() {
        return isTold ? null : upgraded;
    }

    void told() {
        isTold = true;
    }

    /** Has an action run when the connection is closed; at once if it is. */
    void whenClosed(Runnable action) {
        synchronized (this) {
            whenClosed = action;
        }
        if (!isOpen()) {
            runWhenClosed();
        }
    }

    @Override
    public void onClose(@Nullable Throwable cause) {
        super.onClose(cause);
        runWhenClosed();
    }

    private void runWhenClosed() {
        Runnable action;
        synchronized (this) {
            action = whenClosed;
            whenClosed = null;
        }
        if (action != null) {
            action.run();
        }
    }

    /** Returns since when a head is under way; 0 if none is. */
    long headSince() {
        return headSince;
    }

    long idleSince() {
        return idleSince;
    }

    // ---- the end ----

    /**
     * Tells a client of HTTP/2 to begin no more streams. The server answers the streams that the client has begun, or
     * begins before it hears that.
     */
    void goAway(long now) {
        HTTP2Session streams = session;
        if (streams != null && toldSince == 0) {
            toldSince = now | 1;
            // not by the session, which would refuse the streams that are on their way
            streams.frames(null, List.of(GoAwayFrame.GRACEFUL), Callback.NOOP);
        }
    }

    long toldSince() {
        return toldSince;
    }

    /** Closes the connection in order: the client learns that this is the end, and no cut. */
    void end(long now) {
        HTTP2Session streams = session;
        endingSince = now | 1;
        if (streams != null) {
            streams.close(ErrorCode.NO_ERROR.code, "", Callback.NOOP);
        } else if (isSecure) {
            getConnection().close();
        } else {
            close();
        }
    }

    long endingSince() {
        return endingSince;
    }

    /** Closes the connection of a call that failed, unless others share it: then the end of its stream is all. */
    void breakOff() {
        if (session == null) {
            close();
        }
    }
}
