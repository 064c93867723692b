package dev.sennit.codec;

import dev.sennit.internal.boot.ParentClasses;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The class loaders of this JVM, as its workers know them: by numbers. The system's, and those above it, are {@link
 * ParentClasses#SYSTEM}, as a worker has one like it.
 *
 * <p>In a message to a worker the name of a class of another loader is {@code 3/com.acme.Plugin}.
 */
public final class LoaderNumbers {
    /** Guarded by itself. Never more than the loaders that are in use: those of the lost go when another comes. */
    private static final Map<Integer, WeakReference<ClassLoader>> LOADERS = new HashMap<>();

    /** Guarded by LOADERS. */
    private static int last = ParentClasses.SYSTEM;

    /** So that a task is encoded without the lock. */
    private static final ClassValue<Integer> OF_CLASS = new ClassValue<>() {
        @Override
        protected Integer computeValue(Class<?> type) {
            return of(type.getClassLoader());
        }
    };

    private LoaderNumbers() {}

    /** The number of a class's loader. */
    public static int of(Class<?> type) {
        return OF_CLASS.get(type);
    }

    /** The name by which a worker knows a class. */
    static String nameFor(Class<?> type) {
        return nameFor(of(type), type.getName());
    }

    static String nameFor(int loader, String name) {
        return loader == ParentClasses.SYSTEM ? name : loader + "/" + name;
    }

    /** The number of a loader; the same one for as long as that is in use. Loaders are told apart by identity: their equals is user code. */
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

    /** Whether a loader is the system's or the bootstrap loader, or between them. */
    private static boolean isSystem(@Nullable ClassLoader loader) {
        return loader == null
                || loader == ClassLoader.getSystemClassLoader()
                || loader == ClassLoader.getPlatformClassLoader();
    }

    /** The loader of a number; null if nobody uses it any more, or there is none. */
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
