package dev.sennit.cli.command;

import dev.sennit.Pool;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.server.WebService;
import dev.sennit.server.servlet.ServletApplication;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.ServiceConfigurationError;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipOutputStream;
import org.eclipse.jetty.alpn.java.server.JDK9ServerALPNProcessor;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http2.HTTP2Session;
import org.eclipse.jetty.http2.hpack.HpackEncoder;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * The user's classes, in this JVM and in JVMs of their own. They see the JDK, Sennit as it is published and one
 * another; the command's own classes and libraries do not exist for them. So a user's picocli is the user's, whatever
 * version the command has. Where the user's path has a copy of Sennit too, the command's is taken.
 *
 * <p>The parts are those of a class path: jars, folders of classes, and {@code FOLDER/*} for all jars of a folder. A
 * part that is missing is an error, as the user has named it; Java itself passes over it.
 *
 * <p>May be used by several threads.
 */
public final class UserCode implements AutoCloseable {
    /** The environment variable that names the parts. */
    public static final String VARIABLE = "SENNIT_CLASSPATH";

    private static final String LIBRARY = "dev/sennit/";
    private static final String COMMAND = "dev/sennit/cli/";
    private static final String SERVICES = "META-INF/services/dev.sennit.";
    /** What {@code sennit-images} depends on, for this processor. */
    private static final String CODEC = "org/bytedeco/leptonica/linux-"
            + (System.getProperty("os.arch", "").equals("aarch64") ? "arm64/" : "x86_64/");

    /** What {@code sennit-server} depends on. */
    private static final List<String> ENGINE =
            List.of("org/eclipse/jetty/alpn/", "org/eclipse/jetty/http/", "org/eclipse/jetty/http2/",
                    "org/eclipse/jetty/io/", "org/eclipse/jetty/server/", "org/eclipse/jetty/util/", "org/slf4j/",
                    "META-INF/services/org.eclipse.jetty.http.", "META-INF/services/org.eclipse.jetty.io.");
    /** What {@code sennit-servlet} depends on besides. */
    private static final List<String> SERVLETS =
            List.of("org/eclipse/jetty/", "jakarta/", "org/objectweb/asm/", "META-INF/services/org.eclipse.jetty.",
                    "META-INF/services/jakarta.", "jndi.properties");
    /** One class of each of its jars. */
    private static final List<Class<?>> ENGINE_CLASSES =
            List.of(Server.class, HttpField.class, EndPoint.class, Callback.class,
                    HTTP2ServerConnectionFactory.class, HTTP2Session.class, HpackEncoder.class,
                    ALPNServerConnectionFactory.class, JDK9ServerALPNProcessor.class, Logger.class);

    private final String text;
    private final List<Path> parts;
    private final URLClassLoader loader;
    /** Guarded by this. Where Sennit lies as it is published; null before it was needed, and where it lies already. */
    private @Nullable Path folder;

    private UserCode(String text, List<Path> parts) {
        this.text = text;
        this.parts = List.copyOf(parts);
        loader = new URLClassLoader("user-code", parts.stream().map(UserCode::url).toArray(URL[]::new),
                new LibraryLoader());
    }

    /**
     * Returns the code that the environment names; none if it names none.
     *
     * @throws CommandException if a part is missing, or is neither a jar nor a folder
     */
    public static UserCode ofEnvironment() {
        return of(Objects.requireNonNullElse(System.getenv(VARIABLE), ""));
    }

    /**
     * Returns the code of a class path. As Java has it, an empty text is no code, and an empty part this folder.
     *
     * @throws CommandException if a part is missing, or is neither a jar nor a folder
     */
    public static UserCode of(String classPath) {
        List<Path> parts = new ArrayList<>();
        if (!classPath.isEmpty()) {
            for (String part : classPath.split(File.pathSeparator, -1)) {
                parts.addAll(filesOf(part));
            }
        }
        return new UserCode(classPath, parts);
    }

    public boolean isEmpty() {
        return parts.isEmpty();
    }

    /** The jars and folders that the user has named. */
    public List<Path> parts() {
        return parts;
    }

    /** Returns a loader of the user's classes, which shows them the JDK and Sennit, and nothing else. */
    ClassLoader loader() {
        return loader;
    }

    /**
     * Returns a class path for JVMs that run the user's classes: Sennit as it is published, and the user's parts, all
     * of them absolute. Where Sennit lies in the command's jar alone, the first call copies it into a private folder,
     * which {@link #close} removes.
     *
     * @throws CommandException if there is no room for the copy
     */
    public List<Path> classPath() {
        return classPath(parts);
    }

    /**
     * Returns the same for other parts, those of a service for example.
     *
     * @throws CommandException if there is no room for the copy
     */
    public List<Path> classPath(List<Path> others) {
        return classPath(others, false);
    }

    /**
     * Returns the same for other parts.
     *
     * @param hasServlets whether the JVMs serve Servlets, which need more than other services
     * @throws CommandException if there is no room for the copy
     */
    public List<Path> classPath(List<Path> others, boolean hasServlets) {
        List<Path> all = new ArrayList<>();
        Path own = locationOf(UserCode.class);
        Path library = locationOf(Pool.class);
        if (!library.equals(own)) { // in a build, or beside the command
            all.add(library);
            all.add(locationOf(ThumbnailMaker.class));
            all.add(locationOf(WebService.class));
            all.addAll(others);
            ENGINE_CLASSES.forEach(type -> all.add(locationOf(type)));
            if (hasServlets) {
                all.add(locationOf(ServletApplication.class));
                all.addAll(jarsWith(UserCode::isOfServlets));
            }
            return all;
        }
        Path copies = copiesOf(own);
        all.add(copies.resolve("sennit.jar"));
        all.addAll(others);
        all.add(copies.resolve("codec.jar")); // last: the user may have another version
        all.add(copies.resolve("engine.jar"));
        if (hasServlets) {
            all.add(copies.resolve("servlets.jar"));
        }
        return all;
    }

    /** Returns the jars of this JVM's class path that have a file of some kind. */
    private static List<Path> jarsWith(Predicate<String> chosen) {
        List<Path> found = new ArrayList<>();
        for (String part : System.getProperty("java.class.path", "").split(File.pathSeparator)) {
            if (part.endsWith(".jar")) {
                try (var jar = new JarFile(part)) {
                    if (jar.stream().map(JarEntry::getName).anyMatch(chosen)) {
                        found.add(Path.of(part));
                    }
                } catch (IOException e) {
                    // Java itself passes over it
                }
            }
        }
        return found;
    }

    /**
     * Runs an action in which the user's classes are those of the context class loader, as in a program of the user's.
     * Without any, the context stays as it is: whoever starts the JVM without the script may have set its class path.
     */
    public <T> T around(Supplier<T> action) {
        if (isEmpty()) {
            return action.get();
        }
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            return action.get();
        } catch (ServiceConfigurationError e) { // a kind of pool, for example
            throw CommandException.usage(VARIABLE + ": what META-INF/services names cannot be loaded: "
                    + CommandException.oneLine(e), e);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Forgets the classes, and removes what was copied. */
    @Override
    public void close() {
        try {
            loader.close();
        } catch (IOException e) {
            // a jar that cannot be closed harms nobody: the command ends
        }
        synchronized (this) {
            if (folder != null) {
                MeetingFolder.remove(folder);
                folder = null;
            }
        }
    }

    /** Returns the parts as the user has named them. */
    @Override
    public String toString() {
        return text;
    }

    private static List<Path> filesOf(String part) {
        try {
            if (part.equals("*") || part.endsWith("/*") || part.endsWith(File.separator + "*")) {
                return jarsIn(part, Path.of(part.substring(0, part.length() - 1)).toAbsolutePath().normalize());
            }
            Path file = Path.of(part).toAbsolutePath().normalize();
            if (Files.notExists(file)) {
                throw missing("file or folder", part, file, "correct the path, or build it first");
            }
            if (!Files.isDirectory(file)) {
                ensureJar(part, file);
            }
            return List.of(file);
        } catch (InvalidPathException e) {
            throw refused(part, "is no path: " + e.getReason(), "correct it", e);
        }
    }

    private static List<Path> jarsIn(String part, Path folder) {
        if (!Files.isDirectory(folder)) {
            throw missing("folder", part, folder, "correct the path, or put the jars there");
        }
        List<Path> jars = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                if (file.toString().toLowerCase(Locale.ROOT).endsWith(".jar") && !Files.isDirectory(file)) {
                    ensureJar(file.toString(), file);
                    jars.add(file);
                }
            }
        } catch (IOException e) {
            throw refused(part, "cannot be read: " + CommandException.taskFailure(e), "allow this user to", e);
        }
        if (jars.isEmpty()) {
            throw refused(part, "stands for no jar, as there is none in " + folder,
                    "name the folder without /* if it holds classes", null);
        }
        jars.sort(null);
        return jars;
    }

    private static void ensureJar(String part, Path file) {
        try (var jar = new JarFile(file.toFile())) {
            Objects.requireNonNull(jar); // to open it is all
        } catch (ZipException e) {
            throw refused(part, "is no jar", "name jars, folders of classes, or FOLDER/* for all jars of a folder", e);
        } catch (IOException e) {
            throw refused(part, "cannot be read: " + CommandException.taskFailure(e), "allow this user to", e);
        }
    }

    private static CommandException missing(String what, String part, Path file, String remedy) {
        String named = part.isEmpty() ? "\"\"" : part;
        return CommandException.usage(VARIABLE + ": there is no " + what + " " + named
                + (named.equals(file.toString()) ? "" : " (" + file + ")") + ": " + remedy);
    }

    private static CommandException refused(String part, String why, String remedy, @Nullable Exception cause) {
        String line = VARIABLE + ": " + part + " " + why + ": " + remedy;
        return cause == null ? CommandException.usage(line) : CommandException.usage(line, cause);
    }

    private static URL url(Path part) {
        try {
            return part.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new AssertionError("files have URLs", e);
        }
    }

    private static Path locationOf(Class<?> type) {
        try {
            return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException | RuntimeException e) { // no file: the command is started in an unusual way
            throw CommandException.couldNotStart("the file with class " + type.getName()
                    + " is unknown: start the command from its jar", e);
        }
    }

    private synchronized Path copiesOf(Path commandJar) {
        if (folder == null) {
            Path made = null;
            try {
                made = MeetingFolder.create();
                copy(commandJar, made.resolve("sennit.jar"), UserCode::isPublished);
                copy(commandJar, made.resolve("codec.jar"), name -> name.startsWith(CODEC));
                copy(commandJar, made.resolve("engine.jar"), UserCode::isOfEngine);
                copy(commandJar, made.resolve("servlets.jar"), UserCode::isOfServlets);
            } catch (IOException e) {
                if (made != null) {
                    MeetingFolder.remove(made);
                }
                throw CommandException.couldNotStart("Sennit cannot be copied for the user's classes: "
                        + CommandException.oneLine(e), e);
            }
            folder = made;
        }
        return folder;
    }

    /** Returns whether a file of the command's jar is one of the published artifacts'. */
    private static boolean isPublished(String name) {
        return (name.startsWith(LIBRARY) && !name.startsWith(COMMAND)) || name.startsWith(SERVICES);
    }

    private static boolean isOfEngine(String name) {
        return ENGINE.stream().anyMatch(name::startsWith);
    }

    private static boolean isOfServlets(String name) {
        return !isOfEngine(name) && SERVLETS.stream().anyMatch(name::startsWith);
    }

    private static void copy(Path from, Path to, Predicate<String> chosen) throws IOException {
        try (var jar = new JarFile(from.toFile());
                var out = new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(to)))) {
            out.setLevel(0); // quicker to write and to read
            for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
                if (!entry.isDirectory() && chosen.test(entry.getName())) {
                    out.putNextEntry(new ZipEntry(entry.getName()));
                    try (InputStream in = jar.getInputStream(entry)) {
                        in.transferTo(out);
                    }
                }
            }
        }
    }

    /** The parent of the user's loader: the JDK, and of the command's classes those that are published. */
    private static final class LibraryLoader extends ClassLoader {
        static {
            registerAsParallelCapable();
        }

        private final ClassLoader command = Pool.class.getClassLoader();

        LibraryLoader() {
            super("sennit", getPlatformClassLoader());
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (isPublished(name.replace('.', '/'))) {
                return command.loadClass(name);
            }
            throw new ClassNotFoundException(name);
        }

        @Override
        protected @Nullable URL findResource(String name) {
            return isPublished(name) ? command.getResource(name) : null;
        }

        @Override
        protected Enumeration<URL> findResources(String name) throws IOException {
            return isPublished(name) ? command.getResources(name) : Collections.emptyEnumeration();
        }
    }
}
