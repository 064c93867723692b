package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.cli.command.UserCode;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.celery.CeleryBrokerProvider;
import dev.sennit.queue.postgresql.PostgresqlBroker;
import dev.sennit.queue.rabbitmq.RabbitmqBroker;
import dev.sennit.queue.redis.RedisBroker;
import dev.sennit.queue.rq.RqBroker;
import dev.sennit.server.WebService;
import dev.sennit.server.servlet.ServletApplication;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The user's classes under the packaged command, which {@code ./sennit} starts in the user's folder. */
@DisabledOnOs(OS.WINDOWS)
public class UserCodeIT extends ScriptSandbox {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();
    private static final Path TEST_CLASSES = Path.of("target/test-classes").toAbsolutePath();
    private static final List<String> TOOLS = List.of("sh", "cat", "dirname", "find", "readlink", "sed");
    private static final long SECONDS = 100;

    private Path folder;

    @BeforeEach
    void installCommand() throws IOException {
        copyScripts(TOOLS, "sennit");
        Files.createDirectories(home.resolve("cli/target"));
        Files.createLink(home.resolve("cli/target/sennit.jar"), copyOf(JAR));
        Files.createSymbolicLink(bin.resolve("sennit"), home.resolve("sennit"));
        environment.put("JAVA_HOME", System.getProperty("java.home"));
        environment.put("SENNIT_JAVA_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dsennit.cache=");
        folder = Files.createDirectories(temp.resolve("a user"));
    }

    private Path copyOf(Path jar) throws IOException {
        return Files.copy(jar, temp.resolve("sennit.jar"));
    }

    private Run sennit(String classPath, String... arguments) throws Exception {
        environment.put("SENNIT_CLASSPATH", classPath);
        return run(Stream.concat(Stream.of("sennit"), Arrays.stream(arguments)).map(word -> "'" + word + "'")
                .collect(Collectors.joining(" ")));
    }

    private Run run(String line) throws Exception {
        Started started = start(folder, List.of("sh", "-c", line));
        started.process().waitFor(SECONDS, TimeUnit.SECONDS);
        return started.end();
    }

    private static String path(Object... parts) {
        return Arrays.stream(parts).map(String::valueOf).collect(Collectors.joining(File.pathSeparator));
    }

    /** The table has a line for each plan, and none has failed. */
    private static void assertDone(Run run, String... plans) {
        assertThat(run.err()).isEmpty();
        assertThat(run.exit()).as(run.out()).isZero();
        List<String> lines = run.out().lines().toList();
        assertThat(lines.getFirst()).startsWith("com.acme.MyTasks: medians of ");
        for (int i = 0; i < plans.length; i++) {
            assertThat(lines.get(2 + i)).startsWith(plans[i] + " ").contains("x ");
        }
        assertThat(lines).hasSize(3 + plans.length);
    }

    @Test
    void theExampleOfTheHelpWorksAsItStands() throws Exception {
        List<String> examples = run("sennit compare --help").out().lines().map(String::strip)
                .filter(line -> line.startsWith("SENNIT_CLASSPATH=")).toList();
        assertThat(examples).containsExactly("SENNIT_CLASSPATH=my.jar sennit compare com.acme.MyTasks");
        new UserSources().with("com/acme/MyTasks.java", UserSources.MY_TASKS).intoJar(folder.resolve("my.jar"));

        assertDone(run(examples.getFirst()), "inline", "threads", "virtual", "processes");
    }

    /** Classes, their libraries and their resources, also in a worker. */
    @ParameterizedTest
    @CsvSource({"several jars", "a folder with a space", "all jars of a folder"})
    void theClassPath(String of) throws Exception {
        Path lib = folder.resolve("my lib");
        Path library = new UserSources()
                .with("com/lib/Names.java", """
                        package com.lib;

                        public class Names {
                            public static String read() throws java.io.IOException {
                                try (var in = Names.class.getResourceAsStream("name.txt")) {
                                    return new String(in.readAllBytes());
                                }
                            }
                        }
                        """)
                .with("com/lib/name.txt", "a name")
                .intoJar(lib.resolve("library.jar"));
        var tasks = new UserSources().with(
                "com/acme/MyTasks.java", UserSources.workload("return com.lib.Names.read().length();"));

        String classPath = switch (of) {
            case "several jars" -> path(tasks.intoJar(folder.resolve("my.jar"), library), library);
            case "a folder with a space" -> path(folder.relativize(tasks.into(lib.resolve("my classes"), library)),
                    folder.relativize(library));
            default -> {
                tasks.intoJar(lib.resolve("my.jar"), library);
                yield folder.relativize(lib) + "/*";
            }
        };

        assertDone(sennit(classPath, "compare", "com.acme.MyTasks", "--on", "processes:1", "--repeat", "1"),
                "inline", "processes:1");
    }

    /** Of the libraries' own names, with other content; in a task and before, here and in a worker. */
    @Test
    void aLibraryOfTheUsersIsTheUsersAlsoIfTheCommandHasOneOfTheSameName() throws Exception {
        Path jar = new UserSources()
                .with("picocli/CommandLine.java", """
                        package picocli;

                        public class CommandLine {
                            public static final StringBuilder WHOSE = new StringBuilder("the user's");
                        }
                        """)
                .with("com/acme/MyTasks.java", UserSources.workload("""
                        ensure(picocli.CommandLine.WHOSE.toString().equals("the user's"), picocli.CommandLine.WHOSE);
                        Class<?> named = Class.forName("picocli.CommandLine");
                        ensure(named == picocli.CommandLine.class, named.getClassLoader());
                        ensure(Thread.currentThread().getContextClassLoader().loadClass(named.getName()) == named,
                                "the context's");
                        return 3;
                        """))
                .intoJar(folder.resolve("my.jar"));

        assertDone(sennit(jar.toString(), "compare", "com.acme.MyTasks", "--on", "threads:1,loop,processes:1",
                "--repeat", "1"), "inline", "threads:1", "loop", "processes:1");
    }

    @Test
    void librariesOfTheCommandAreNotThere() throws Exception {
        Path jar = new UserSources()
                .with("com/acme/MyTasks.java", UserSources.workload("""
                        for (String name : List.of("picocli.CommandLine", "org.knowm.xchart.XYChart",
                                "dev.sennit.cli.Main")) {
                            for (ClassLoader loader : List.of(MyTasks.class.getClassLoader(),
                                    Thread.currentThread().getContextClassLoader())) {
                                try {
                                    ensure(false, Class.forName(name, false, loader) + " is there");
                                } catch (ClassNotFoundException e) {
                                    ensure(loader.getResource(name.replace('.', '/') + ".class") == null, name);
                                }
                            }
                        }
                        Class.forName("dev.sennit.images.ThumbnailMaker");
                        return 3;
                        """))
                .intoJar(folder.resolve("my.jar"));

        assertDone(sennit(jar.toString(), "compare", "com.acme.MyTasks", "--on", "threads:1,loop,processes:1",
                "--repeat", "1"), "inline", "threads:1", "loop", "processes:1");
    }

    @Test
    void whatIsWrongIsOneLineAndExit2() throws Exception {
        new UserSources()
                .with("com/lib/Base.java", "package com.lib; public class Base {}")
                .with("com/acme/NoTasks.java", "package com.acme; public class NoTasks {}")
                .with("com/acme/Needs.java", "package com.acme; public class Needs extends com.lib.Base {}")
                .with("com/acme/Fails.java", """
                        package com.acme;

                        public class Fails {
                            static final int NUMBER = Integer.parseInt("x");
                        }
                        """)
                .into(folder.resolve("classes"));
        Files.delete(folder.resolve("classes/com/lib/Base.class"));

        assertWrong(path("classes", "lib/my.jar"), "com.acme.NoTasks",
                "SENNIT_CLASSPATH: there is no file or folder lib/my.jar (" + folder.toRealPath().resolve("lib/my.jar")
                        + "): correct the path, or build it first");
        assertWrong("classes", "com.acme.NoTasks", "class com.acme.NoTasks: does not implement"
                + " java.util.function.Supplier<Collection<Task<?>>>, as a workload has to");
        assertWrong("classes", "com.acme.Needs", "class com.acme.Needs: needs class com.lib.Base, which is not there:"
                + " add its jar to SENNIT_CLASSPATH");
        assertWrong("classes", "com.acme.Fails", "class com.acme.Fails: its static initializer failed:"
                + " NumberFormatException: For input string: \"x\"");
        for (String hidden : List.of("com.acme.Nothing", "picocli.CommandLine")) {
            assertWrong("classes", hidden, "unknown workload \"" + hidden + "\": expected primes, primes-queue,"
                    + " primes-split, sums, sleep, thumbnails or a class on the class path (SENNIT_CLASSPATH, which is"
                    + " classes)");
        }
    }

    private void assertWrong(String classPath, String workload, String line) throws Exception {
        Run run = sennit(classPath, "compare", workload);
        assertThat(run.err()).isEqualTo("sennit: " + line + "\n");
        assertThat(run.out()).isEmpty();
        assertThat(run.exit()).isEqualTo(2);
    }

    /** Starts a JVM with the class path for the user's classes, and tells that path. */
    static final class Starter {
        private Starter() {}

        public static void main(String[] arguments) throws Exception {
            try (var code = UserCode.ofEnvironment()) {
                List<Path> classPath = code.classPath();
                assertThat(code.classPath()).isEqualTo(classPath);
                classPath.forEach(System.out::println);
                Files.copy(classPath.getFirst(), Path.of("copy.jar"));
                Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "-Dsennit.cache=", "-cp",
                        classPath.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)),
                        "com.acme.Main").inheritIO().start();
                if (arguments.length > 0) { // ends without closing
                    System.exit(process.waitFor());
                }
                System.out.println("exit " + process.waitFor());
            }
        }
    }

    /** Sennit there is what is published, class by class, and has its workers and its codec. */
    @Test
    void aJvmOfTheUsersHasSennitAsItIsPublished() throws Exception {
        Path jar = new UserSources()
                .with("com/acme/Main.java", """
                        package com.acme;

                        public class Main {
                            public static void main(String[] arguments) throws Exception {
                                try (var pool = dev.sennit.Pools.open("processes:1")) {
                                    System.out.println(pool.submit(() -> "from a worker").get());
                                }
                                for (String name : new String[] {"picocli.CommandLine", "dev.sennit.cli.Main"}) {
                                    try {
                                        System.out.println(Class.forName(name) + " is there");
                                    } catch (ClassNotFoundException e) {
                                        System.out.println("no " + name);
                                    }
                                }
                                Object codecs = Class.forName("dev.sennit.images.ThumbnailMaker").getMethod("codecs")
                                        .invoke(null);
                                System.out.println("codecs " + codecs);
                            }
                        }
                        """)
                .intoJar(folder.resolve("my main.jar"));

        for (boolean closes : new boolean[] {true, false}) {
            Files.deleteIfExists(folder.resolve("copy.jar"));
            Run run = starter(jar, closes);
            List<String> lines = run.out().lines().toList();
            assertThat(run.err()).isEmpty();
            assertThat(run.exit()).isZero();
            assertThat(lines.get(1)).isEqualTo(jar.toString());
            assertThat(lines.get(3)).as("what the server needs stands last").endsWith("engine.jar");
            assertThat(lines.subList(4, 8)).containsExactly("from a worker", "no picocli.CommandLine",
                    "no dev.sennit.cli.Main", "codecs " + ThumbnailMaker.codecs());
            assertThat(Path.of(lines.getFirst())).as("the copy is gone").doesNotExist();
            assertThat(Path.of(lines.getFirst()).getParent()).doesNotExist();
        }
        Map<String, Long> published = contents(UserSources.library());
        published.putAll(contents(Path.of(ThumbnailMaker.class.getProtectionDomain().getCodeSource().getLocation()
                .toURI())));
        for (Class<?> ofJar : List.of(TaskQueue.class, PostgresqlBroker.class, RedisBroker.class,
                RabbitmqBroker.class, CeleryBrokerProvider.class, RqBroker.class, WebService.class,
                ServletApplication.class)) {
            published.putAll(contents(Path.of(ofJar.getProtectionDomain().getCodeSource().getLocation().toURI())));
        }
        assertThat(published).hasSizeGreaterThan(500);
        Map<String, Long> copied = contents(folder.resolve("copy.jar"));
        String brokers = "META-INF/services/dev.sennit.queue.broker.BrokerProvider"; // that of the command names all
        assertThat(published.remove(brokers)).isNotNull();
        assertThat(copied.remove(brokers)).isNotNull();
        assertThat(copied).isEqualTo(published);
    }

    private Run starter(Path jar, boolean closes) throws Exception {
        environment.put("SENNIT_CLASSPATH", jar.toString());
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-cp", path(temp.resolve("sennit.jar"), TEST_CLASSES, classPathOf("assertj-core")),
                Starter.class.getName()));
        if (!closes) {
            command.add("exit");
        }
        Started started = start(folder, command);
        started.process().waitFor(SECONDS, TimeUnit.SECONDS);
        return started.end();
    }

    private static String classPathOf(String artifact) {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(part -> part.contains(artifact)).findFirst().orElseThrow();
    }

    /** The classes and services of a jar of Sennit, and the sums of their bytes; without what is for modules. */
    private static Map<String, Long> contents(Path jar) throws IOException {
        Map<String, Long> contents = new TreeMap<>();
        try (var file = new JarFile(jar.toFile())) {
            for (var entry : file.stream().filter(each -> !each.isDirectory()).toList()) {
                if (Stream.of("module-info.class", "META-INF/LICENSE", "META-INF/MANIFEST.MF", "META-INF/maven/")
                        .noneMatch(entry.getName()::startsWith)) {
                    var sum = new CRC32();
                    sum.update(file.getInputStream(entry).readAllBytes());
                    contents.put(entry.getName(), sum.getValue());
                }
            }
        }
        return contents;
    }
}
