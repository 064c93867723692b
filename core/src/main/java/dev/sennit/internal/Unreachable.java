package dev.sennit.internal;

import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * Has something done when an object has become unreachable, on a thread that is started with the first object. A {@link Cleaner} in a
 * static field would make its class unusable for ever, if there was no thread to be had when the class was first used.
 */
public final class Unreachable {
    private final String name;
    private volatile @Nullable Cleaner cleaner;

    /**
     * Starts nothing.
     *
     * @param name of the thread
     */
    public Unreachable(String name) {
        this.name = name;
    }

    /**
     * Has something done once an object is unreachable.
     *
     * @param object the object
     * @param action what to do, which must not refer to the object; it delays those after it
     * @return a handle that does it now, unless it was done
     * @throws OutOfMemoryError if there is no thread to be had; the next call tries again
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
