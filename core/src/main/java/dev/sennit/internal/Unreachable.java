package dev.sennit.internal;

import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * Runs actions when objects become unreachable, on a thread that the first registration starts. A {@link Cleaner} in a
 * static field would make its class unusable for ever if no thread could be had when the class was initialized.
 */
public final class Unreachable {
    private final String name;
    private volatile @Nullable Cleaner cleaner;

    /**
     * Creates this without starting the thread.
     *
     * @param name the name of the thread
     */
    public Unreachable(String name) {
        this.name = name;
    }

    /**
     * Runs an action once, when an object has become unreachable.
     *
     * @param object the object
     * @param action the action, which must not refer to the object; it delays later actions
     * @return a handle that runs the action now, unless it has run
     * @throws OutOfMemoryError if no thread is available; the next call tries again
     */
    public Cleaner.Cleanable register(Object object, Runnable action) {
        Cleaner known = cleaner;
        return (known != null ? known : started()).register(object, action);
    }

    private synchronized Cleaner started() {
        Cleaner known = cleaner;
        if (known == null) {
            known = Cleaner.create(Backend.factory(Thread.ofPlatform().daemon().name(name)));
            cleaner = known;
        }
        return known;
    }
}
