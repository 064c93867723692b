package dev.sennit.manager;

import dev.sennit.internal.Timers;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.MethodTable;
import java.time.Duration;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** An object in a manager's server, with the interface it is called through. */
final class HostedObject {
    final long id;
    final MethodTable methods;
    final Object object;
    /** Null for one of the user's. */
    final @Nullable ManagedKind kind;
    /** One without a name goes when nobody has it. */
    final @Nullable String name;

    /** Guarded by this. How many proxies there are. */
    private int references;
    /** Guarded by this. How often the last proxy went: what comes to free it knows by that whether it is still meant. */
    private int timesAbandoned;
    /** Guarded by this. What will free it. */
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

    /** Whether a method may wait, so that nothing may wait for it. This library's own say so by being interruptible. */
    boolean mayWait(int method) {
        boolean own = kind != null || id == ManagerProtocol.DIRECTORY;
        return !own || methods.isInterruptible(method);
    }

    /** False when it is gone. */
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

    /** Proxies less; {@link #freeIn} is next. */
    synchronized void release(int count) {
        references -= count;
    }

    /** When nobody has it any more, has it freed after the lease; false when there is no timer for that now. */
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

    /** Nobody has come by it since it was abandoned that time. */
    private synchronized boolean freeIfStill(int meant) {
        freed |= references == 0 && timesAbandoned == meant;
        return freed;
    }

    /** The server is closed: nothing is left to do later. */
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
