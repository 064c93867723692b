package dev.sennit.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
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

    Lane(SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
        super(channel, selector, key, scheduler);
    }

    @Override
    public int fill(ByteBuffer buffer) throws IOException {
        int n = super.fill(buffer);
        if (n > 0 && call == null && headSince == 0) {
            headSince = System.nanoTime() | 1;
        }
        return n;
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

    /** Returns since when a head is under way; 0 if none is. */
    long headSince() {
        return headSince;
    }

    long idleSince() {
        return idleSince;
    }
}
