package dev.sennit.internal;

import java.io.Closeable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Connections that a server has accepted, and whose other sides have not proved yet that they have the key. There are
 * {@value #MOST} at most: beyond that the oldest is closed. Any thread may call.
 *
 * @param <C> the type of the connections
 */
public final class UnprovenConnections<C extends Closeable> {
    private static final int MOST = 128;

    /** Guarded by this. Oldest first. */
    private final Set<C> connections = new LinkedHashSet<>();
    /** Guarded by this. */
    private boolean closed;

    /**
     * Adds a connection; closes the oldest if there are too many.
     *
     * @param connection the connection
     * @return false, and the connection is not added, once {@link #close} was called
     */
    public boolean add(C connection) {
        C oldest = null;
        synchronized (this) {
            if (closed) {
                return false;
            }
            connections.add(connection);
            if (connections.size() > MOST) {
                oldest = connections.iterator().next();
                connections.remove(oldest);
            }
        }
        if (oldest != null) {
            Quietly.close(oldest);
        }
        return true;
    }

    /**
     * Whether a connection has neither been removed nor had to go for a younger one.
     *
     * @param connection the connection
     * @return false if its greeting is over
     */
    public synchronized boolean contains(C connection) {
        return connections.contains(connection);
    }

    /**
     * Takes a connection out, whose greeting is over; does not close it.
     *
     * @param connection the connection
     */
    public synchronized void remove(C connection) {
        connections.remove(connection);
    }

    /** Closes all connections, and lets no more in. */
    public void close() {
        List<C> left;
        synchronized (this) {
            closed = true;
            left = List.copyOf(connections);
        }
        left.forEach(Quietly::close);
    }
}
