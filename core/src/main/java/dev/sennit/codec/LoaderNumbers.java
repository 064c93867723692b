package dev.sennit.codec;

import dev.sennit.internal.boot.ParentClasses;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Numbers for the class loaders of this JVM, by which its workers name them. The system loader and its parents are
 * {@link ParentClasses#SYSTEM}, as a worker has equivalents.
 *
 * <p>In a message to a worker, the name of a class of another loader is {@code 3/com.acme.Plugin}.
 */
public final class LoaderNumbers {
    /** Guarded by itself. Lost loaders are removed when another is added. */
    private static final Map<Integer, WeakReference<ClassLoader>> LOADERS = new HashMap<>();

    /** Guarded by LOADERS. */
    private static int last = ParentClasses.SYSTEM;

    /** Lets a task be encoded without the lock. */
    private static final ClassValue<Integer> OF_CLASS = new ClassValue<>() {
        @Override
        protected Integer computeValue(Class<?> type) {
            return of(type.getClassLoader());
        }
    };

    private LoaderNumbers() {}

    /** Returns the number of a class's loader. */
    public static int of(Class<?> type) {
        return OF_CLASS.get(type);
    }

    /** Returns the name by which a worker knows a class. */
    static String nameFor(Class<?> type) {
        return nameFor(of(type), type.getName());
    }

    static String nameFor(int loader, String name) {
        return loader == ParentClasses.SYSTEM ? name : loader + "/" + name;
    }

    /**
     * Returns the number of a loader, which stays the same while the loader is in use. Compares loaders by identity, as
     * their equals is user code.
     */
    public static int of(@Nullable ClassLoader loader) {
        if (isSystem(loader)) {
            return ParentClasses.SYSTEM;
        }
        synchronized (LOADERS) {
            for (var known : LOADERS.entrySet()) {
                if (known.getValue().refersTo(loader)) {
                    return known.getKey();
                }
            }
            LOADERS.values().removeIf(known -> known.refersTo(null));
            LOADERS.put(++last, new WeakReference<>(loader));
            return last;
        }
    }

    /** Returns whether a loader is the system's or one of its parents. */
    private static boolean isSystem(@Nullable ClassLoader loader) {
        return loader == null
                || loader == ClassLoader.getSystemClassLoader()
                || loader == ClassLoader.getPlatformClassLoader();
    }

    /** Returns the loader of a number; null if it is lost, or there was none. */
    public static @Nullable ClassLoader get(int number) {
        if (number == ParentClasses.SYSTEM) {
            return ClassLoader.getSystemClassLoader();
        }
        synchronized (LOADERS) {
            WeakReference<ClassLoader> known = LOADERS.get(number);
            return known == null ? null : known.get();
        }
    }
}
