package dev.sennit.process;

import dev.sennit.internal.ScopedValueBindings;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The reader of a message: what it is willing to read, and where it finds classes.
 *
 * <p>Ends of pipes and proxies of a manager go on reading after they have arrived, so that they need an allow-list. Their sender names
 * the list that it has, and is believed only by a reader that runs its code anyway: a worker that reads a task of its parent. Every
 * other reader gives them its own list.
 */
final class Reading {
    /** Bound while a message is read that may bring such objects. */
    private static final ScopedValue<Reading> CURRENT = ScopedValueBindings.notInherited();

    /** Null for everything: the sender is this process's parent. */
    final @Nullable AllowList allowed;

    final ClassLoader loader;
    /** Whether only processes of this one's family may be behind the message. */
    private final boolean ofFamily;
    /** Null where the reader does its own work. */
    final @Nullable Effort effort;

    private Reading(@Nullable AllowList allowed, ClassLoader loader, boolean ofFamily, @Nullable Effort effort) {
        this.allowed = allowed;
        this.loader = loader;
        this.ofFamily = ofFamily;
        this.effort = effort;
    }

    /** A worker that reads a task of its parent. */
    static Reading ofParent(ClassLoader loader) {
        return new Reading(null, loader, false, null);
    }

    /** A reader behind an allow-list; the sender is of this process's {@link Family}. */
    static Reading behind(AllowList allowed, ClassLoader loader) {
        return new Reading(allowed, loader, true, null);
    }

    /** The same for senders from anywhere, which have proved that they have a key. */
    static Reading ofKeyHolder(AllowList allowed, ClassLoader loader) {
        return new Reading(allowed, loader, false, null);
    }

    /** The same for a server that does the work of its clients. */
    static Reading forClient(AllowList allowed, ClassLoader loader, Effort effort) {
        return new Reading(allowed, loader, false, effort);
    }

    /** Reads one message, or a part of it. */
    interface Body {
        @Nullable Object read() throws IOException, ClassNotFoundException;
    }

    /** Reads as this reader. */
    @Nullable Object read(Body body) throws IOException, ClassNotFoundException {
        try {
            return ScopedValue.where(CURRENT, this).<@Nullable Object, Exception>call(body::read);
        } catch (IOException | ClassNotFoundException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("a body throws nothing else", e);
        }
    }

    /**
     * The allow-list of an object that is being read.
     *
     * @param named patterns that its sender names
     * @param locations jars and folders that its sender names
     */
    static AllowList listFor(List<String> named, List<String> locations) {
        if (!CURRENT.isBound()) { // a program reads it from a stream of its own, and says what it allows afterwards
            return new AllowList(List.of());
        }
        AllowList own = CURRENT.get().allowed;
        return own == null ? new AllowList(named, locations) : own.and();
    }

    /** Lets an object that is being read open something of a process, or not. */
    static void ensureMayOpenOf(long pid) throws InvalidObjectException {
        if (CURRENT.isBound() && CURRENT.get().ofFamily && !Family.has(pid)) {
            throw new InvalidObjectException("process " + pid + " is none of this program's; its shared memory is refused");
        }
    }

    /** Where that object finds classes. */
    static ClassLoader currentLoader() {
        return CURRENT.isBound() ? CURRENT.get().loader : ClassLoader.getSystemClassLoader();
    }
}
