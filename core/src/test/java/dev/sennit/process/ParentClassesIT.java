package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Task;
import dev.sennit.TaskOptions;
import dev.sennit.codec.LoaderNumbers;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.ObjectName;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Workers have the classes of their parent, wherever those come from. */
@Timeout(120)
class ParentClassesIT {
    private static ProcessPool pool;

    @BeforeAll
    static void open() {
        pool = ProcessPool.builder().workers(1).heap("64m").open();
    }

    @AfterAll
    static void close() {
        pool.close();
    }

    /** Has the classes of {@link Plugin} itself, and the rest from its parent. */
    private static class PluginLoader extends ClassLoader {
        private static final String OWN = Plugin.class.getName();

        private final Map<String, byte[]> files = new HashMap<>();

        PluginLoader(String name, String resource) {
            super(name, ParentClassesIT.class.getClassLoader());
            files.put("greetings/which.txt", resource.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(OWN)) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                if (known != null) {
                    return known;
                }
                String path = name.replace('.', '/') + ".class";
                try (InputStream in = ParentClassesIT.class.getClassLoader().getResourceAsStream(path)) {
                    byte[] file = in.readAllBytes();
                    files.put(path, file);
                    return defineClass(name, file, 0, file.length);
                } catch (IOException e) {
                    throw new ClassNotFoundException(name, e);
                }
            }
        }

        @Override
        public @Nullable URL getResource(String name) {
            return files.containsKey(name) ? inMemory(name, files.get(name)) : super.getResource(name);
        }

        @Override
        public Enumeration<URL> getResources(String name) throws IOException {
            return files.containsKey(name)
                    ? Collections.enumeration(List.of(getResource(name)))
                    : super.getResources(name);
        }

        @SuppressWarnings("unchecked")
        Map<String, Object> runPlugin() throws Exception {
            return ((Supplier<Map<String, Object>>) loadClass(Plugin.class.getName()).getConstructor(Pool.class)
                    .newInstance(pool)).get();
        }
    }

    @Test
    void aPluginOfEachLoaderHasItsOwnClassesAndResourcesInTheWorker() throws Exception {
        for (String which : List.of("one", "two")) {
            var loader = new PluginLoader(which, which);
            assertThat(loader.runPlugin())
                    .containsEntry("compact", "hello of " + which + ", true")
                    .containsEntry("serialized", "plugin, true")
                    .containsEntry("array", "array, true")
                    .containsEntry("loader", "parent-" + LoaderNumbers.of(loader))
                    .containsEntry("location", "null")
                    .containsEntry("context", true)
                    .containsEntry("missing", "null")
                    .containsEntry("too long", "null, " + which);
        }
        assertThat(
                pool.submit(() -> Thread.currentThread().getContextClassLoader() == ClassLoader.getSystemClassLoader())
                        .join())
                .as("the next task has the context class loader of its own class")
                .isTrue();
    }

    /** The pool outlives its plugins. */
    @Test
    void aPluginThatNobodyUsesIsLetGoOf() throws Exception {
        WeakReference<ClassLoader> plugin = runOnce();
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> {
            System.gc();
            return plugin.refersTo(null);
        });
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(pool.submit(() -> loaders()).get())
                        .as("in the worker: that of the system").isEqualTo(1));
    }

    /** How many loaders stand for one of the parent's, as the histogram of the heap has it. */
    private static int loaders() throws Exception {
        String histogram = (String) ManagementFactory.getPlatformMBeanServer().invoke(
                new ObjectName("com.sun.management:type=DiagnosticCommand"),
                "gcClassHistogram",
                new Object[] {new String[0]},
                new String[] {String[].class.getName()});
        Matcher line = Pattern.compile("(\\d+) +\\d+ +dev.sennit.internal.boot.ParentLoader\\b").matcher(histogram);
        return line.find() ? Integer.parseInt(line.group(1)) : 0;
    }

    private static WeakReference<ClassLoader> runOnce() throws Exception {
        var loader = new PluginLoader("once", "once");
        loader.runPlugin();
        return new WeakReference<>(loader);
    }

    /** As a tool that relocates leaves it: the method that the compiler made knows none of the lambdas. */
    private static byte[] refusingItsLambdas(byte[] file) {
        ClassFile format = ClassFile.of();
        ClassDesc type = ClassDesc.of("java.lang.IllegalArgumentException");
        return format.transformClass(format.parse(file), ClassTransform.transformingMethods(
                method -> method.methodName().equalsString("$deserializeLambda$"),
                (method, element) -> {
                    if (!(element instanceof CodeModel)) {
                        method.with(element);
                        return;
                    }
                    method.withCode(code -> code.new_(type)
                            .dup()
                            .loadConstant("Invalid lambda deserialization")
                            .invokespecial(
                                    type, ConstantDescs.INIT_NAME,
                                    MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_String))
                            .athrow());
                }));
    }

    @Test
    void lambdasThatTheirOwnClassRefusesAreMadeAllTheSame() throws Exception {
        String file = Embedded.class.getName().replace('.', '/') + ".class";
        ClassLoader relocated = embedding(Map.of(file, refusingItsLambdas(fileOf(Embedded.class))));
        assertThat(runEmbedded(relocated)).contains("Point[x=2, y=2]", "Name[text=serialized]");
    }

    /** What a loader keeps to itself. */
    @Test
    void aClassWithoutAFileIsRefusedWithTheReason() throws Exception {
        var loader = new PluginLoader("secret", "secret") {
            @Override
            public @Nullable URL getResource(String name) {
                return name.endsWith(".class") ? null : super.getResource(name);
            }
        };
        assertThatThrownBy(loader::runPlugin)
                .hasMessageContaining(
                        "Plugin is not on the worker's class path, and its parent cannot hand it over: its"
                                + " class loader has no file of it");
        assertThat(pool.submit(() -> "goes on").join()).isEqualTo("goes on");
    }

    /** Runs where the library itself was loaded a second time. */
    public static final class Embedded implements Supplier<List<String>> {
        record Point(int x, int y) implements Serializable {}

        /** Has no compact form. */
        static final class Name implements Serializable {
            private static final long serialVersionUID = 1L;
            private final String text;

            Name(String text) {
                this.text = text;
            }

            @Override
            public String toString() {
                return "Name[text=" + text + "]";
            }
        }

        @Override
        public List<String> get() {
            try (Pool own = ProcessPool.builder().workers(1).heap("64m").open()) {
                var here = new Point(1, 2);
                Task<Point> moved = () -> new Point(here.x() + 1, here.y());
                var name = new Name("serialized");
                Task<String> serialized = () -> name.toString();
                Task<String> nested = () -> {
                    try (Pool inner = ProcessPool.builder().workers(1).heap("64m").open()) {
                        return String.valueOf(inner.submit(() -> new Point(7, 8)).join());
                    }
                };
                Task<String> folder = () -> System.getProperty("java.class.path");
                WorkerProcess process =
                        WorkerProcess.builder().heap("64m").start(() -> System.exit(new Point(40, 2).x()));
                process.join();
                return List.of(
                        String.valueOf(own.submit(moved).join()),
                        String.valueOf(own.map(n -> new Point(n, n), List.of(1, 2)).getLast()),
                        own.submit(serialized).join(),
                        own.submit(nested).join(),
                        String.valueOf(new File(own.submit(folder).join()).exists()),
                        String.valueOf(process.exitCode().orElse(-1)));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Test
    void aLibraryThatIsNotOnTheClassPathIsBorrowedFromTheParent() throws Exception {
        assertThat(runEmbedded(embedding(Map.of()))).containsExactly(
                "Point[x=2, y=2]", "Point[x=2, y=2]", "Name[text=serialized]", "Point[x=7, y=8]", "false", "40");
    }

    private static byte[] fileOf(Class<?> type) throws IOException {
        try (InputStream in = ParentClassesIT.class.getClassLoader()
                .getResourceAsStream(type.getName().replace('.', '/') + ".class")) {
            return in.readAllBytes();
        }
    }

    /**
     * A loader that has all of this test's class path itself; some files are others there, and those that are empty are
     * missing.
     */
    private static ClassLoader embedding(Map<String, byte[]> changed) {
        URL[] urls = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(ParentClassesIT::urlOf)
                .toArray(URL[]::new);
        return new URLClassLoader(urls, ClassLoader.getPlatformClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                byte[] file = changed.get(name.replace('.', '/') + ".class");
                return file == null || file.length == 0
                        ? super.findClass(name)
                        : defineClass(name, file, 0, file.length);
            }

            @Override
            public @Nullable URL getResource(String name) {
                byte[] file = changed.get(name);
                return file == null ? super.getResource(name) : file.length == 0 ? null : inMemory(name, file);
            }
        };
    }

    @SuppressWarnings("deprecation") // no other way takes a handler and any name
    private static URL inMemory(String name, byte[] content) {
        try {
            return new URL(null, "memory:" + name, new URLStreamHandler() {
                @Override
                protected URLConnection openConnection(URL url) {
                    return new URLConnection(url) {
                        @Override
                        public void connect() {}

                        @Override
                        public InputStream getInputStream() {
                            return new ByteArrayInputStream(content);
                        }
                    };
                }
            });
        } catch (MalformedURLException e) {
            throw new AssertionError(e);
        }
    }

    private static URL urlOf(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new AssertionError(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static List<String> runEmbedded(ClassLoader loader) throws Exception {
        Object embedded = loader.loadClass(Embedded.class.getName()).getConstructor().newInstance();
        return ((Supplier<List<String>>) embedded).get();
    }

    @Test
    void aLibraryThatCannotBeBorrowedIsToldOfWhenThePoolOpens() throws Exception {
        ClassLoader secret = embedding(Map.of("dev/sennit/internal/boot/BorrowedMain.class", new byte[0]));
        assertThatThrownBy(() -> runEmbedded(secret))
                .hasMessageStartingWith("workers cannot be started: Sennit was loaded by ")
                .hasMessageContaining("put the jar on the class path of the JVM");
    }

    /** Runs in a container, whose library is another loader's. */
    public static final class Contained implements Supplier<Boolean> {
        @Override
        public Boolean get() {
            Task<Boolean> task =
                    () -> Thread.currentThread().getContextClassLoader() == Contained.class.getClassLoader();
            try (Pool own = ProcessPool.builder().workers(1).heap("64m").open()) {
                return own.submit(task, TaskOptions.named("contained")).join();
            }
        }
    }

    @Test
    void aTaskWithANameHasTheLoaderOfItsOwnClass() throws Exception {
        String name = Contained.class.getName();
        byte[] file = fileOf(Contained.class);
        var application = new ClassLoader(embedding(Map.of())) {
            @Override
            protected Class<?> loadClass(String wanted, boolean resolve) throws ClassNotFoundException {
                if (!wanted.equals(name)) {
                    return super.loadClass(wanted, resolve);
                }
                Class<?> known = findLoadedClass(name);
                return known != null ? known : defineClass(name, file, 0, file.length);
            }
        };
        Object contained = application.loadClass(name).getConstructor().newInstance();
        assertThat(((Supplier<?>) contained).get()).isEqualTo(true);
    }
}
