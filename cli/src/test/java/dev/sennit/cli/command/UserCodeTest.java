package dev.sennit.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.cli.UserSources;
import java.io.File;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The user's classes in this JVM; those in JVMs of their own are in {@code UserCodeIT}. */
class UserCodeTest {
    private static final String KIND = """
            package com.acme;

            public class Kind implements dev.sennit.PoolProvider {
                public String kind() {
                    return "mine";
                }

                public String syntax() {
                    return "mine[:N]";
                }

                public dev.sennit.Pool open(dev.sennit.Plan plan) {
                    return dev.sennit.Pools.open("inline");
                }
            }
            """;

    @TempDir
    Path temp;

    private static String path(Object... parts) {
        return String.join(File.pathSeparator, Arrays.stream(parts).map(String::valueOf).toList());
    }

    @Test
    void theUsersClassesSeeTheJdkAndSennitAlone() throws Exception {
        Path jar = new UserSources().with("com/acme/MyTasks.java", UserSources.MY_TASKS).intoJar(temp.resolve("a.jar"));
        try (var code = UserCode.of(jar.toString())) {
            ClassLoader loader = code.loader();
            assertThat(loader.loadClass("com.acme.MyTasks").getClassLoader()).isSameAs(loader);
            assertThat(loader.loadClass("dev.sennit.Pool")).isSameAs(Pool.class);
            assertThat(loader.loadClass("dev.sennit.images.ThumbnailMaker").getClassLoader())
                    .isSameAs(Pool.class.getClassLoader());
            for (String ofJdk : List.of("java.util.List", "java.sql.Driver", "com.sun.source.tree.Tree")) {
                assertThat(Class.forName(ofJdk, false, loader)).as(ofJdk).isSameAs(Class.forName(ofJdk));
            }
            for (String hidden : List.of("dev.sennit.cli.Main", "picocli.CommandLine", "org.knowm.xchart.XYChart",
                    "org.assertj.core.api.Assertions")) {
                assertThat(Class.forName(hidden)).as("is there for the command").isNotNull();
                assertThatThrownBy(() -> loader.loadClass(hidden)).isInstanceOf(ClassNotFoundException.class)
                        .hasMessage(hidden);
                String file = hidden.replace('.', '/') + ".class";
                assertThat(getClass().getClassLoader().getResource(file)).isNotNull();
                assertThat(loader.getResource(file)).as(file).isNull();
                assertThat(loader.getResources(file).hasMoreElements()).as(file).isFalse();
            }
            assertThat(loader.getResource("dev/sennit/Pool.class")).isNotNull();
        }
    }

    /** The command has files of these names as well. */
    @Test
    void whatLiesInMetaInfIsTheUsers() throws Exception {
        Path folder = new UserSources()
                .with("META-INF/LICENSE", "mine")
                .with("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
                .into(temp.resolve("a folder"));
        try (var code = UserCode.of(folder.toString())) {
            for (String file : List.of("META-INF/LICENSE", "META-INF/MANIFEST.MF")) {
                List<URL> all = Collections.list(code.loader().getResources(file));
                assertThat(all).as(file).containsExactly(folder.resolve(file).toUri().toURL());
            }
        }
    }

    @Test
    void theContextHasTheUsersKindsOfPool() throws Exception {
        Path jar = new UserSources()
                .with("com/acme/Kind.java", KIND)
                .with("META-INF/services/dev.sennit.PoolProvider", "com.acme.Kind\n")
                .intoJar(temp.resolve("kind.jar"));
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (var code = UserCode.of(jar.toString())) {
            List<String> own = Pools.kinds();
            List<String> with = new ArrayList<>(own);
            with.add("mine");
            assertThat(code.around(Pools::kinds)).isEqualTo(with);
            assertThat(code.around(() -> OpenPools.takesCount("mine"))).isTrue();
            assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(before);
        }
    }

    @Test
    void aKindOfPoolThatIsNotThereIsTold() throws Exception {
        Path folder = new UserSources()
                .with("META-INF/services/dev.sennit.PoolProvider", "com.acme.Gone\n")
                .into(temp.resolve("folder"));
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (var code = UserCode.of(folder.toString())) {
            assertThatThrownBy(() -> code.around(Pools::kinds)).isInstanceOf(CommandException.class)
                    .hasMessage("SENNIT_CLASSPATH: what META-INF/services names cannot be loaded:"
                            + " dev.sennit.PoolProvider: Provider com.acme.Gone not found");
            assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(before);
        }
    }

    @Test
    void withoutPartsTheContextStays() {
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (var code = UserCode.of("")) {
            assertThat(code.isEmpty()).isTrue();
            assertThat(code.around(() -> Thread.currentThread().getContextClassLoader())).isSameAs(before);
        }
    }

    @Test
    void aClassPathHasSennitThenThePartsInOrder() throws Exception {
        Path lib = Files.createDirectories(temp.resolve("a lib"));
        var empty = new UserSources().with("any.txt", "");
        Path c = empty.intoJar(temp.resolve("c.jar"));
        Path b = empty.intoJar(lib.resolve("b.JAR"));
        Path a = empty.intoJar(lib.resolve("a.jar"));
        try (var code = UserCode.of(path(c, lib + "/*", temp))) {
            List<Path> classPath = code.classPath();
            assertThat(classPath.getFirst()).isEqualTo(UserSources.library());
            assertThat(classPath).containsSequence(c, a, b, temp);
            assertThat(classPath.getLast()).asString().as("what the server needs stands last").contains("slf4j");
            assertThat(classPath).noneMatch(part -> part.toString().contains("picocli"));
            assertThat(code.toString()).isEqualTo(path(c, lib + "/*", temp));
        }
        try (var code = UserCode.of(path("", ""))) {
            assertThat(code.classPath()).as("an empty part is this folder").contains(Path.of("").toAbsolutePath());
        }
    }

    @Test
    void badParts() throws Exception {
        Path here = Path.of("").toAbsolutePath();
        Path text = Files.writeString(temp.resolve("notes.txt"), "x");
        Path broken = Files.writeString(Files.createDirectories(temp.resolve("lib")).resolve("broken.jar"), "");
        Path bare = Files.createDirectories(temp.resolve("bare"));
        String what = ": name jars, folders of classes, or FOLDER/* for all jars of a folder";
        assertRefused("no/such.jar", "there is no file or folder no/such.jar (" + here.resolve("no/such.jar")
                + "): correct the path, or build it first");
        assertRefused(path(text.getParent(), temp.resolve("gone")),
                "there is no file or folder " + temp.resolve("gone") + ": correct the path, or build it first");
        assertRefused("no/such/*", "there is no folder no/such/* (" + here.resolve("no/such")
                + "): correct the path, or put the jars there");
        assertRefused(text.toString(), text + " is no jar" + what);
        assertRefused(broken.getParent() + "/*", broken + " is no jar" + what);
        assertRefused(bare + "/*", bare + "/* stands for no jar, as there is none in " + bare
                + ": name the folder without /* if it holds classes");
    }

    private static void assertRefused(String classPath, String why) {
        assertThatThrownBy(() -> UserCode.of(classPath)).isInstanceOfSatisfying(CommandException.class, e -> {
            assertThat(e).hasMessage("SENNIT_CLASSPATH: " + why);
            assertThat(e.exitCode()).isEqualTo(2);
        });
    }
}
