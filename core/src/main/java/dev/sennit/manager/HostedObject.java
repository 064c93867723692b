package dev.sennit.manager;

import dev.sennit.internal.Timers;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.MethodTable;
import java.time.Duration;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** An object in a manager's server, with the interface through which it is called. */
final class HostedObject {
    final long id;
    final MethodTable methods;
    final Object object;
    /** Null for an object that the user registered. */
    final @Nullable ManagedKind kind;
    /** An object without a name is freed after its last proxy is gone. */
    final @Nullable String name;

    /** Guarded by this. How many proxies there are. */
    private int references;
    /**
     * Guarded by this. How many times the last proxy went: a timer compares it to know whether its object was used
     * again since.
     */
    private int timesAbandoned;
    /** Guarded by this. The timer that will free the object. */
    private @Nullable Future<?> freeing;
    /** Guarded by this. */
    private boolean freed;

    HostedObject(long id, MethodTable methods, Object object, @Nullable ManagedKind kind, @Nullable String name) {
        this.id = id;
        this.methods = methods;
        this.object = object;
        this.kind = kind;
        this.name = name;
    }

    /**
     * Returns whether a method may wait, so that the reading thread must not run it. Methods of this library that may
     * wait are interruptible.
     */
    boolean mayWait(int method) {
        boolean own = kind != null || id == ManagerProtocol.DIRECTORY;
        return !own || methods.isInterruptible(method);
    }

    /** Counts a proxy. Returns false if the object is freed already. */
    synchronized boolean retain() {
        if (freed) {
            return false;
        }
        references++;
        if (freeing != null) {
            freeing.cancel(false);
            freeing = null;
        }
        return true;
    }

    /** Uncounts proxies. The caller calls {@link #freeIn} next. */
    synchronized void release(int count) {
        references -= count;
    }

    /** If no proxy is left, has the object freed after the lease. Returns false if no timer can be made now. */
    synchronized boolean freeIn(Duration lease, Runnable free) {
        if (references > 0 || name != null || freed || freeing != null) {
            return true;
        }
        int meant = ++timesAbandoned;
        try {
            freeing = Timers.after(lease, () -> {
                if (freeIfStill(meant)) {
                    free.run();
                }
            });
            return true;
        } catch (OutOfMemoryError e) {
            return false;
        }
    }

    /** Frees the object if no proxy was made since that timer was set. */
    private synchronized boolean freeIfStill(int meant) {
        freed |= references == 0 && timesAbandoned == meant;
        return freed;
    }

    /** Cancels the timer, as the server is closed. */
    synchronized void forget() {
        freed = true;
        if (freeing != null) {
            freeing.cancel(false);
        }
    }

    String description() {
        return methods.type().getName() + (name == null ? " without a name" : " \"" + name + "\"");
    }
}
