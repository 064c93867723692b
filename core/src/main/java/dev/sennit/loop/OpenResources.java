package dev.sennit.loop;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What ends with a loop at the latest: programs that it has started, signals that it listens to. From any thread. */
final class OpenResources {
    /** Guarded by this; null once the loop has ended. */
    private @Nullable Set<AutoCloseable> open = new HashSet<>();

    /** Returns false when the loop has ended, and nobody would close it. */
    synchronized boolean add(AutoCloseable one) {
        return open != null && open.add(one);
    }

    synchronized void remove(AutoCloseable one) {
        if (open != null) {
            open.remove(one);
        }
    }

    synchronized int size() {
        return open == null ? 0 : open.size();
    }

    /** At the end of the loop, which goes on to its end whatever happens here. */
    void close() {
        Set<AutoCloseable> left;
        synchronized (this) {
            left = open == null ? Set.of() : open;
            open = null;
        }
        for (AutoCloseable one : left) {
            try {
                one.close();
            } catch (Exception | Error e) {
                EventLoop.LOG.log(System.Logger.Level.WARNING, one + " could not be closed", e);
            }
        }
    }
}
