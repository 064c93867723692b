package dev.sennit.codec;

import dev.sennit.internal.ScopedValueBindings;
import dev.sennit.internal.boot.ParentClasses;
import java.io.IOException;
import java.io.InvalidClassException;
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
public final class Reading {
    /** Bound while a message is read that may bring such objects. */
    private static final ScopedValue<Reading> CURRENT = ScopedValueBindings.notInherited();

    /** Null for everything: the sender is this process's parent. */
    public final @Nullable AllowList allowed;

    /** Where names lead to that tell no loader. */
    private final ClassLoader root;
    /**
     * Only the reader's thread: the first loader that a message of the parent names, which is the task's; until then the root. That of a
     * borrowed library is named for what the library has put around the task, and counts if there is no other.
     */
    private ClassLoader loader;
    /** Whether only processes of this one's family may be behind the message. */
    private final boolean ofFamily;
    /** Null where the reader does its own work. */
    final @Nullable Effort effort;

    private Reading(@Nullable AllowList allowed, ClassLoader loader, boolean ofFamily, @Nullable Effort effort) {
        this.allowed = allowed;
        root = loader;
        this.loader = loader;
        this.ofFamily = ofFamily;
        this.effort = effort;
    }

    /** A worker that reads a task of its parent, whose classes are those of the {@linkplain LoaderNumbers parent's loaders}. */
    public static Reading ofParent() {
        return new Reading(null, ParentClasses.loader(ParentClasses.SYSTEM), false, null);
    }

    /** A reader behind an allow-list; the sender is of this process's {@link Family}. */
    public static Reading behind(AllowList allowed, ClassLoader loader) {
        return new Reading(allowed, loader, true, null);
    }

    /** The same for senders from anywhere, which have proved that they have a key. */
    public static Reading ofKeyHolder(AllowList allowed, ClassLoader loader) {
        return new Reading(allowed, loader, false, null);
    }

    /** The same for a server that does the work of its clients. */
    public static Reading forClient(AllowList allowed, ClassLoader loader, Effort effort) {
        return new Reading(allowed, loader, false, effort);
    }

    /** The loader that has the classes of what was read, as a task expects it in its thread. */
    public ClassLoader taskLoader() {
        return loader == root ? ParentClasses.application() : loader;
    }

    ClassLoader root() {
        return root;
    }

    ClassLoader loader() {
        return loader;
    }

    /** Finds a class by the name that a message has for it. Only a parent's loaders have numbers here. */
    Class<?> find(String name) throws ClassNotFoundException {
        int loader = allowed == null ? loaderIn(name) : ParentClasses.SYSTEM;
        if (loader != ParentClasses.SYSTEM) {
            return find(loader, name.substring(name.indexOf('/') + 1));
        }
        try {
            return Class.forName(name, false, root);
        } catch (ClassNotFoundException e) {
            return ownClass(name, e);
        }
    }

    /** The number of the loader in a name of a class, as a parent writes it. */
    static int loaderIn(String name) {
        int slash = name.indexOf('/');
        return slash < 0 ? ParentClasses.SYSTEM : Integer.parseInt(name, 0, slash, 10);
    }

    /** Finds a class of one of the parent's loaders. */
    Class<?> find(int number, String name) throws ClassNotFoundException {
        return Class.forName(name, false, named(number));
    }

    /** One of the parent's loaders. */
    ClassLoader named(int number) {
        ClassLoader named = ParentClasses.loader(number);
        if (loader == root || loader == ParentClasses.application()) {
            loader = named;
        }
        return named;
    }

    /** Of this library, which the root may not know. */
    private static Class<?> ownClass(String name, ClassNotFoundException otherwise) throws ClassNotFoundException {
        try {
            return Class.forName(name, false, Reading.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw otherwise; // which may say why
        }
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
    public static AllowList listFor(List<String> named, List<String> locations) {
        if (!CURRENT.isBound()) { // a program reads it from a stream of its own, and says what it allows afterwards
            return new AllowList(List.of());
        }
        AllowList own = CURRENT.get().allowed;
        return own == null ? new AllowList(named, locations) : own.and();
    }

    /** Lets an object that is being read open something of a process, or not. */
    public static void ensureMayOpenOf(long pid) throws InvalidObjectException {
        if (CURRENT.isBound() && CURRENT.get().ofFamily && !Family.has(pid)) {
            throw new InvalidObjectException("process " + pid + " is none of this program's; its shared memory is refused");
        }
    }

    /** Refuses an object that only a parent may send, and to nobody but its worker. */
    static void ensureOfParent(String what) throws InvalidObjectException {
        if (!CURRENT.isBound() || CURRENT.get().allowed != null) {
            throw new InvalidObjectException(what + " is read from a parent alone");
        }
    }

    /** Lets an object that is being read make an object of a class, or not. */
    static void ensureMayMake(Class<?> type) throws InvalidClassException {
        if (!CURRENT.isBound()) { // a stream of the program, which has asked nobody whether the class may be made
            throw new InvalidClassException(type.getName(), "a record that is not Serializable is read by Sennit alone");
        }
        AllowList allowed = CURRENT.get().allowed;
        if (allowed != null) {
            allowed.require(type);
        }
    }

    /** Where that object finds classes. */
    public static ClassLoader currentLoader() {
        return CURRENT.isBound() ? CURRENT.get().loader() : ClassLoader.getSystemClassLoader();
    }
}
