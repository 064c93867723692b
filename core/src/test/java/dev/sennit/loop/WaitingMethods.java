package dev.sennit.loop;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The public methods of the exported packages that wait, and a check that other coroutines run while one waits. */
public final class WaitingMethods {
    private static final List<String> EXPORTED = List.of(
            "dev.sennit", "dev.sennit.loop", "dev.sennit.manager", "dev.sennit.observe", "dev.sennit.pipe",
            "dev.sennit.process", "dev.sennit.service", "dev.sennit.shared", "dev.sennit.testing");

    private WaitingMethods() {}

    /** An action that may fail. */
    @FunctionalInterface
    public interface Part {
        void run() throws Exception;
    }

    /**
     * Makes the object to wait for, in the coroutine that will wait. The returned action calls the method, and waits
     * for ever.
     */
    @FunctionalInterface
    public interface Scene {
        Part open(Deque<Part> atEnd) throws Exception;
    }

    /**
     * A method that waits.
     *
     * @param method its name with the class, and the simple names of its parameters' types
     * @param limited whether the scene calls it with a time limit
     * @param scene how to call it
     */
    public record Entry(String method, boolean limited, Scene scene) {
        @Override
        public String toString() {
            return method;
        }
    }

    /** Returns an entry for a call without a limit. */
    public static Entry waits(String method, Scene scene) {
        return new Entry(method, false, scene);
    }

    /** Returns an entry for a call with a time limit that is longer than the test. */
    public static Entry waitsWithin(String method, Scene scene) {
        return new Entry(method, true, scene);
    }

    /** Returns an entry for a call that needs no object. */
    public static Entry waiting(String method, Part call) {
        return waits(method, atEnd -> call);
    }

    /**
     * Makes a coroutine wait, and checks that another coroutine runs meanwhile. Then closes the object and the loop.
     *
     * @param entry the method that waits
     * @param loop an open loop, which is closed
     * @param meanwhile called while it waits
     */
    public static void checkThatOthersHaveTheirTurn(Entry entry, EventLoop loop, Part meanwhile) throws Exception {
        Deque<Part> atEnd = new ArrayDeque<>();
        try (loop) {
            var about = new CountDownLatch(1);
            TaskFuture<String> waiting = loop.submit(() -> {
                Part call = entry.scene().open(atEnd);
                about.countDown(); // it keeps its turn until it waits
                call.run();
                return "ended";
            });
            try {
                waiting.onDone(done -> about.countDown()); // if it fails before the wait
                about.await();
                assertThat(loop.submit(() -> "had its turn").get(20, SECONDS)).isEqualTo("had its turn");
                meanwhile.run();
                assertThat(waiting.isDone()).as("%s: %s", entry, waiting).isFalse();
            } finally {
                waiting.cancel(true);
                for (Part part : atEnd) {
                    part.run();
                }
            }
        }
    }

    // ---- the search for waiting methods ----

    /**
     * Returns all public methods whose declaration says that they wait: they declare an InterruptedException, or take a
     * time.
     */
    public static Set<String> saying() throws Exception {
        Set<String> found = new TreeSet<>();
        for (String exported : EXPORTED) {
            for (Class<?> type : classesOf(exported)) {
                for (Method method : isSeen(type) ? type.getMethods() : new Method[0]) {
                    if (method.getDeclaringClass().getName().startsWith("dev.sennit") && saysThatItWaits(method)) {
                        found.add(name(type, method));
                    }
                }
            }
        }
        return found;
    }

    private static boolean isSeen(Class<?> type) {
        return Stream.<Class<?>>iterate(type, one -> one != null, Class::getEnclosingClass)
                .allMatch(one -> Modifier.isPublic(one.getModifiers()));
    }

    /** Returns whether the class declares the method itself, or inherits it from a class that is not public. */
    private static boolean isItsOwn(Method method) {
        Class<?> above = method.getDeclaringClass().getSuperclass();
        return !method.isBridge() || (above != null && !Modifier.isPublic(above.getModifiers()));
    }

    private static boolean saysThatItWaits(Method method) {
        return isItsOwn(method)
                && (Arrays.asList(method.getExceptionTypes()).contains(InterruptedException.class)
                        || !Collections.disjoint(
                                Arrays.asList(method.getParameterTypes()),
                                Set.of(Duration.class, TimeUnit.class, Date.class)));
    }

    private static String name(Class<?> type, Method method) {
        // a method that is inherited from an exported class belongs to that class
        Class<?> owner = isSeen(method.getDeclaringClass()) ? method.getDeclaringClass() : type;
        String nest = owner.getName().substring(owner.getPackageName().length() + 1).replace('$', '.');
        return nest + '.' + method.getName()
                + Arrays.stream(method.getParameterTypes()).map(Class::getSimpleName)
                        .collect(Collectors.joining(", ", "(", ")"));
    }

    private static List<Class<?>> classesOf(String name) throws Exception {
        URL found = Pools.class.getResource("Pools.class");
        String folder = name.replace('.', '/');
        if (found.openConnection() instanceof JarURLConnection jar) {
            try (FileSystem files = FileSystems.newFileSystem(Path.of(URI.create(jar.getJarFileURL().toString())))) {
                return classesIn(files.getPath(folder), name);
            }
        }
        return classesIn(Path.of(found.toURI()).getParent().getParent().getParent().resolve(folder), name);
    }

    private static List<Class<?>> classesIn(Path folder, String name) throws IOException, ClassNotFoundException {
        try (Stream<Path> files = Files.list(folder)) {
            List<String> names = files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".class") && !file.equals("package-info.class"))
                    .map(file -> name + '.' + file.substring(0, file.length() - ".class".length()))
                    .toList();
            List<Class<?>> classes = new java.util.ArrayList<>();
            for (String one : names) {
                classes.add(Class.forName(one, false, Pools.class.getClassLoader()));
            }
            return classes;
        }
    }
}
