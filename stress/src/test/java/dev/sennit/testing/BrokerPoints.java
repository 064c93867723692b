package dev.sennit.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;

/** Defines the classes of a package once more, with memory points; the agent would need the jar of the library. */
public final class BrokerPoints extends ClassLoader {
    private final String beginning;

    private BrokerPoints(ClassLoader parent, String beginning) {
        super(parent);
        this.beginning = beginning;
    }

    /**
     * Returns a body of a class that has memory points, with all of its package.
     *
     * @param type the class
     * @return a new body for each exploration
     */
    public static ScheduleExplorer.Body body(Class<? extends ScheduleExplorer.Body> type) {
        try {
            var loader = new BrokerPoints(type.getClassLoader(), type.getPackageName() + '.');
            Constructor<?> constructor = loader.loadClass(type.getName()).getDeclaredConstructor();
            constructor.setAccessible(true);
            return (ScheduleExplorer.Body) constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(beginning)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded != null) {
                return loaded;
            }
            try (var in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                if (in == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] pointed = MemoryPoints.changed(in.readAllBytes(), getParent(), true, false,
                        other -> other.replace('/', '.').startsWith(beginning));
                if (pointed == null) {
                    throw new ClassNotFoundException(name + " has no memory points");
                }
                return defineClass(name, pointed, 0, pointed.length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
