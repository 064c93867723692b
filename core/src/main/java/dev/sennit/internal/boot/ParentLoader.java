package dev.sennit.internal.boot;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Stands for a class loader of the parent, and finds the same classes: a class that another loader of the parent
 * defines is defined here by the loader that stands for it. So each class has the same code, location and neighbours as
 * in the parent.
 *
 * <p>The loader that stands for the parent's system class loader is a child of the system class loader here, and
 * delegates to it first.
 */
final class ParentLoader extends ClassLoader {
    static {
        registerAsParallelCapable();
    }

    private static final String OURS = ParentLoader.class.getPackageName() + ".";

    private final int number;
    /** A domain for each jar or folder that classes come from, by location. */
    private final Map<String, ProtectionDomain> domains = new ConcurrentHashMap<>();

    ParentLoader(int number, ClassLoader parent) {
        super("parent-" + number, parent);
        this.number = number;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (number == ParentClasses.SYSTEM || name.startsWith("java.")) {
            return super.loadClass(name, resolve);
        }
        if (name.startsWith(OURS)) { // a second copy would have no connection to the parent
            return Class.forName(name, false, ParentLoader.class.getClassLoader());
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> known = findLoadedClass(name);
            return known != null ? known : findClass(name);
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        ParentClasses.Found found;
        try {
            found = ParentClasses.find(number, name);
        } catch (IOException e) {
            throw new ClassNotFoundException(name, e);
        }
        if (found.loader() == number) {
            return define(name, found);
        }
        if (found.loader() == ParentClasses.NOBODY) {
            throw new ClassNotFoundException(name);
        }
        return found.loader() == ParentClasses.JDK
                ? getPlatformClassLoader().loadClass(name)
                : Class.forName(name, false, ParentClasses.loader(found.loader()));
    }

    private Class<?> define(String name, ParentClasses.Found found) throws ClassNotFoundException {
        byte[] bytes = found.bytes();
        if (bytes == null) {
            throw new ClassNotFoundException(
                    name, new IOException(
                            "its class loader has no file of it, as of a class that is made while the program runs"));
        }
        return defineClass(
                name, bytes, 0, bytes.length,
                domains.computeIfAbsent(found.location(), location -> new ProtectionDomain(
                        new CodeSource(urlOf(location), (Certificate[]) null), null, this, null)));
    }

    /** Returns a URL that identifies a location, and cannot be opened here: its protocol may be unknown. */
    @SuppressWarnings("deprecation") // the URL of a nested jar may not be a valid URI
    private static @Nullable URL urlOf(String location) {
        try {
            return location.isEmpty() ? null : new URL(null, location, new Elsewhere());
        } catch (MalformedURLException e) {
            return null;
        }
    }

    @Override
    protected @Nullable URL findResource(String name) {
        Enumeration<URL> all = findResources(name);
        return all.hasMoreElements() ? all.nextElement() : null;
    }

    @Override
    protected Enumeration<URL> findResources(String name) {
        if (number == ParentClasses.SYSTEM) { // the system class loader here has the resources of the class path
            return Collections.emptyEnumeration();
        }
        List<URL> urls = new ArrayList<>();
        try {
            for (byte[] content : ParentClasses.resources(number, name)) {
                urls.add(URL.of(
                        new URI("sennit", null, "/" + number + "/" + urls.size() + "/" + name, null),
                        new Resource(content)));
            }
        } catch (IOException | URISyntaxException e) {
            // then there are no resources
        }
        return Collections.enumeration(urls);
    }

    /** The location of a class in the parent. */
    private static final class Elsewhere extends URLStreamHandler {
        @Override
        protected URLConnection openConnection(URL url) throws IOException {
            throw new IOException(url + " is a location in the parent of this process");
        }
    }

    /** A resource of the parent. */
    private static final class Resource extends URLStreamHandler {
        private final byte @Nullable [] content;

        Resource(byte @Nullable [] content) {
            this.content = content;
        }

        @Override
        protected URLConnection openConnection(URL url) throws IOException {
            byte[] bytes = content;
            if (bytes == null) {
                throw new IOException(url.getPath() + " is longer than " + ParentClasses.LONGEST
                        + " bytes, the most that a worker gets of its parent's resources");
            }
            return new URLConnection(url) {
                @Override
                public void connect() {}

                @Override
                public InputStream getInputStream() {
                    return new ByteArrayInputStream(bytes);
                }

                @Override
                public long getContentLengthLong() {
                    return bytes.length;
                }
            };
        }
    }
}
