package dev.sennit.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.util.function.Predicate;

/** Defines classes once more, with memory points, as the agent would. */
final class PointsLoader extends ClassLoader {
    private final Predicate<String> wanted;

    private PointsLoader(ClassLoader parent, Predicate<String> wanted) {
        super(parent);
        this.wanted = wanted;
    }

    /** A body, of a class that has memory points with its nest; a new one for each exploration. */
    static ScheduleExplorer.Body body(Class<? extends ScheduleExplorer.Body> type) {
        String nest = type.getNestHost().getName();
        return body(type, name -> name.startsWith(nest));
    }

    /** A body that is a constant of an enum. */
    static ScheduleExplorer.Body body(Enum<?> constant) {
        Class<?> type = constant.getDeclaringClass();
        String nest = type.getNestHost().getName();
        try {
            Class<?> again = loader(type, name -> name.startsWith(nest)).loadClass(type.getName());
            return (ScheduleExplorer.Body) again.getEnumConstants()[constant.ordinal()];
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * A body, where the whole package of its class has memory points, and all that threads wait in; the agent gives the
     * library none.
     */
    static ScheduleExplorer.Body bodyOfPackage(Class<? extends ScheduleExplorer.Body> type) {
        String own = type.getPackageName() + '.';
        return body(
                type,
                name -> name.startsWith(own) && name.indexOf('.', own.length()) < 0
                        || name.startsWith("dev.sennit.internal.Wait"));
    }

    private static ScheduleExplorer.Body body(Class<? extends ScheduleExplorer.Body> type, Predicate<String> wanted) {
        try {
            Constructor<?> constructor = loader(type, wanted).loadClass(type.getName()).getDeclaredConstructor();
            constructor.setAccessible(true);
            return (ScheduleExplorer.Body) constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static PointsLoader loader(Class<?> type, Predicate<String> wanted) {
        var loader = new PointsLoader(type.getClassLoader(), wanted);
        Module library = PointsLoader.class.getModule(); // this class is patched into it, if it is one
        library.getPackages().forEach(name -> library.addExports(name, loader.getUnnamedModule()));
        return loader;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!wanted.test(name)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded != null) {
                return loaded;
            }
            try (var in = MemoryPoints.class.getResourceAsStream('/' + name.replace('.', '/') + ".class")) {
                if (in == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] pointed = MemoryPoints.changed(in.readAllBytes(), getParent(), true, false,
                        other -> wanted.test(other.replace('/', '.')));
                return defineClass(name, pointed, 0, pointed.length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
