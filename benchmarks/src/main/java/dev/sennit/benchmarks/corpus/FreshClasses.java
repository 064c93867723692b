package dev.sennit.benchmarks.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Loads the classes of a program anew, so that static fields begin as in a new JVM; all others are its parent's. */
final class FreshClasses extends ClassLoader {
    private final List<String> prefixes;
    /** By the names of classes; shared by all loaders of a program. */
    private final Map<String, byte[]> read;

    static {
        registerAsParallelCapable();
    }

    private FreshClasses(List<String> prefixes, Map<String, byte[]> read) {
        super(FreshClasses.class.getClassLoader());
        this.prefixes = prefixes;
        this.read = read;
    }

    /** A loader of the same classes, none of which is loaded yet. */
    static FreshClasses of(List<String> prefixes) {
        return new FreshClasses(prefixes, new ConcurrentHashMap<>());
    }

    FreshClasses again() {
        var loader = new FreshClasses(prefixes, read);
        loader.setDefaultAssertionStatus(true);
        return loader;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (prefixes.stream().noneMatch(name::startsWith)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded != null) {
                return loaded;
            }
            byte[] bytes = read.computeIfAbsent(name, this::bytes);
            if (bytes == null) {
                throw new ClassNotFoundException(name);
            }
            return defineClass(name, bytes, 0, bytes.length);
        }
    }

    private byte @Nullable [] bytes(String name) {
        try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
            return in == null ? null : in.readAllBytes();
        } catch (IOException e) {
            return null;
        }
    }
}
