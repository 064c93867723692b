package dev.sennit.loop;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The resources that a loop closes when it ends: programs that it has started, signals that it listens to, files. Any
 * thread may add and remove.
 */
final class OpenResources {
    /** Guarded by this; null once the loop has ended. */
    private @Nullable Set<AutoCloseable> open = new HashSet<>();

    /** Adds a resource; returns false if the loop has ended, and would not close the resource. */
    synchronized boolean add(AutoCloseable resource) {
        return open != null && open.add(resource);
    }

    synchronized void remove(AutoCloseable resource) {
        if (open != null) {
            open.remove(resource);
        }
    }

    /**
     * Closes all open resources. The loop calls this at its end; a failure is logged and does not stop the end.
     */
    void close() {
        Set<AutoCloseable> left;
        synchronized (this) {
            left = open == null ? Set.of() : open;
            open = null;
        }
        for (AutoCloseable resource : left) {
            try {
                resource.close();
            } catch (Exception | Error e) {
                EventLoop.LOG.log(System.Logger.Level.WARNING, resource + " could not be closed", e);
            }
        }
    }
}
