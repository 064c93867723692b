package dev.sennit.server;

import dev.sennit.server.jetty.JettyApplication;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/** A connection that knows what it waits for: a request, the rest of a head, or the response to a call. */
final class Lane extends SocketChannelEndPoint {
    /** When the first byte of a head came; 0 if none has come. */
    private volatile long headSince;
    /** Since when it has no request. */
    private volatile long idleSince = System.nanoTime();
    private volatile @Nullable Call call;
    /** The part of a file that is being sent, or was. */
    private volatile @Nullable FileRegion region;
    /** Which application has the connection since it has left HTTP; null before. */
    private volatile @Nullable JettyApplication application;
    /** What has become of the connection when it left HTTP; null before. */
    private volatile @Nullable Connection upgraded;
    /** Whether its peer was told that the worker stops. Only the thread that looks. */
    private boolean isTold;
    /** Guarded by this; null once it has run, or if there is none. */
    private @Nullable Runnable whenClosed;

    Lane(SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
        super(channel, selector, key, scheduler);
    }

    @Override
    public int fill(ByteBuffer buffer) throws IOException {
        int n = super.fill(buffer);
        if (n > 0 && call == null && headSince == 0 && application == null) {
            headSince = System.nanoTime() | 1;
        }
        return n;
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

    /** Notes that the head of a request is there. */
    void began(Call begun) {
        call = begun;
        headSince = 0;
    }

    /** Notes that the response of the call is ready. Called before Jetty looks for the next request. */
    void ended() {
        idleSince = System.nanoTime();
        call = null;
    }

    /** The call that is under way; null if there is none. */
    @Nullable Call call() {
        return call;
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
        upgraded = connection;
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
}
