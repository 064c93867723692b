package dev.sennit.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;

/** Defines a class and its nest once more, with memory points, as the agent would. */
final class PointsLoader extends ClassLoader {
    private final String prefix;

    private PointsLoader(Class<?> outer) {
        super(outer.getClassLoader());
        prefix = outer.getNestHost().getName();
    }

    /** A body, of the class with memory points; a new one for each exploration. */
    static ScheduleExplorer.Body body(Class<? extends ScheduleExplorer.Body> type) {
        try {
            Constructor<?> constructor = new PointsLoader(type).loadClass(type.getName()).getDeclaredConstructor();
            constructor.setAccessible(true);
            return (ScheduleExplorer.Body) constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(prefix)) {
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
                byte[] pointed = MemoryPoints.changed(in.readAllBytes(), getParent(), true, false);
                return defineClass(name, pointed, 0, pointed.length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
