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
 * <p>Ends of pipes and proxies of a manager go on reading after they have arrived, so they need an allow-list. Their
 * sender names its own list, and only a reader that runs the sender's code anyway believes it: a worker that reads a
 * task of its parent. Every other reader gives them its own list.
 */
public final class Reading {
    /** Bound while a message is read that may contain such objects. */
    private static final ScopedValue<Reading> CURRENT = ScopedValueBindings.notInherited();

    /** Null to allow everything: the sender is this process's parent. */
    public final @Nullable AllowList allowed;

    /** Finds classes whose names have no loader number. */
    private final ClassLoader root;
    /**
     * Only the reader's thread. The first loader that a message of the parent names, which is the task's; until then
     * the root. The loader of a borrowed library is named for the library's wrappers of the task, and counts only if
     * there is no other.
     */
    private ClassLoader loader;
    /** Whether the message may open memory of processes of this family alone. */
    private final boolean ofFamily;
    /** Null if the reader does its own work. */
    final @Nullable Effort effort;

    private Reading(@Nullable AllowList allowed, ClassLoader loader, boolean ofFamily, @Nullable Effort effort) {
        this.allowed = allowed;
        root = loader;
        this.loader = loader;
        this.ofFamily = ofFamily;
        this.effort = effort;
    }

    /**
     * Returns the reader of a worker for a task of its parent. The task's classes are those of the
     * {@linkplain LoaderNumbers parent's loaders}.
     */
    public static Reading ofParent() {
        return new Reading(null, ParentClasses.loader(ParentClasses.SYSTEM), false, null);
    }

    /** Returns a reader behind an allow-list; the sender belongs to this process's {@link Family}. */
    public static Reading behind(AllowList allowed, ClassLoader loader) {
        return new Reading(allowed, loader, true, null);
    }

    /** Returns a reader behind an allow-list; the sender may be anywhere, and has proved that it has a key. */
    public static Reading ofKeyHolder(AllowList allowed, ClassLoader loader) {
        return new Reading(allowed, loader, false, null);
    }

    /** Returns a reader for a server that does the work of its clients. */
    public static Reading forClient(AllowList allowed, ClassLoader loader, Effort effort) {
        return new Reading(allowed, loader, false, effort);
    }

    /** Returns the loader of the classes that were read, as a task expects it in its thread. */
    public ClassLoader taskLoader() {
        return loader == root ? ParentClasses.application() : loader;
    }

    ClassLoader root() {
        return root;
    }

    ClassLoader loader() {
        return loader;
    }

    /** Finds a class by its name in a message. Only loaders of a parent have numbers. */
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

    /** Returns the number of the loader in a class name that a parent wrote. */
    static int loaderIn(String name) {
        int slash = name.indexOf('/');
        return slash < 0 ? ParentClasses.SYSTEM : Integer.parseInt(name, 0, slash, 10);
    }

    /** Finds a class of one of the parent's loaders. */
    Class<?> find(int number, String name) throws ClassNotFoundException {
        return Class.forName(name, false, named(number));
    }

    /** Returns one of the parent's loaders. */
    ClassLoader named(int number) {
        ClassLoader named = ParentClasses.loader(number);
        if (loader == root || loader == ParentClasses.application()) {
            loader = named;
        }
        return named;
    }

    /** Finds a class of this library, which the root may not know. */
    private static Class<?> ownClass(String name, ClassNotFoundException otherwise) throws ClassNotFoundException {
        try {
            return Class.forName(name, false, Reading.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw otherwise; // may say why
        }
    }

    /** Reads a message, or a part of it. */
    interface Body {
        @Nullable Object read() throws IOException, ClassNotFoundException;
    }

    /** Runs a body with this reader as the current one. */
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
     * Returns the allow-list of an object that is being read.
     *
     * @param named patterns that its sender names
     * @param locations jars and folders that its sender names
     */
    public static AllowList listFor(List<String> named, List<String> locations) {
        if (!CURRENT.isBound()) { // a program reads it from a stream of its own, and says afterwards what it allows
            return new AllowList(List.of());
        }
        AllowList own = CURRENT.get().allowed;
        return own == null ? new AllowList(named, locations) : own.and();
    }

    /** Checks that an object that is being read may open shared memory of a process. */
    public static void ensureMayOpenOf(long pid) throws InvalidObjectException {
        if (CURRENT.isBound() && CURRENT.get().ofFamily && !Family.has(pid)) {
            throw new InvalidObjectException(
                    "process " + pid + " is none of this program's; its shared memory is refused");
        }
    }

    /** Refuses an object that only a parent may send to its worker. */
    static void ensureOfParent(String what) throws InvalidObjectException {
        if (!CURRENT.isBound() || CURRENT.get().allowed != null) {
            throw new InvalidObjectException(what + " is read from a parent alone");
        }
    }

    /** Checks that an object that is being read may make an object of a class. */
    static void ensureMayMake(Class<?> type) throws InvalidClassException {
        if (!CURRENT.isBound()) { // a stream of the program, which has not checked the class
            throw new InvalidClassException(type.getName(),
                    "a record that is not Serializable is read by Sennit alone");
        }
        AllowList allowed = CURRENT.get().allowed;
        if (allowed != null) {
            allowed.require(type);
        }
    }

    /** Returns the loader with which that object finds classes. */
    public static ClassLoader currentLoader() {
        return CURRENT.isBound() ? CURRENT.get().loader() : ClassLoader.getSystemClassLoader();
    }
}
