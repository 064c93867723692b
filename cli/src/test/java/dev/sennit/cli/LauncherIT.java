package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * The launcher {@code ./sennit} beside fake JDKs and a fake {@code mvn} (which writes a jar, a line in a log, and takes
 * a moment).
 */
@DisabledOnOs(OS.WINDOWS)
class LauncherIT extends ScriptSandbox {
    private static final String POOL = "core/src/main/java/Pool.java";
    private static final String TASK = "core/src/main/java/Task.java";
    private static final List<String> TOOLS =
            List.of("sh", "cat", "dirname", "find", "grep", "head", "ln", "mkdir", "mv", "readlink", "rm", "sed",
                    "sleep", "touch");

    @BeforeEach
    void copyLauncher() throws IOException {
        copyScripts(TOOLS, "sennit");
        for (String file : List.of("pom.xml", "core/pom.xml", "cli/pom.xml", POOL, TASK)) {
            write(home.resolve(file), "");
        }
        fakeMaven("mkdir -p cli/target && : > cli/target/sennit.jar");
    }

    @Test
    void picks25Over17AndOverNewer() throws Exception {
        fakeJdk("a-jdk-26", "26");
        fakeJdk("b-jdk-17", "17.0.15");
        fakeJdk("c-jdk-25", "25.0.3");
        fakeJdk("d-jdk-8", "1.8.0_402");

        Run run = launch();

        assertThat(run.exit()).isZero();
        assertThat(run.out()).startsWith("jdk 25.0.3");
    }

    @Test
    void takesANewerJdkWhenThereIsNo25() throws Exception {
        fakeJdk("jdk-27", "27-ea");
        fakeJdk("jdk-26", "26.0.1");

        assertThat(launch().out()).startsWith("jdk 26.0.1");
    }

    @Test
    void findsTheHomeInsideAMacBundle() throws Exception {
        fakeJdk("temurin-25.jdk/Contents/Home", "25");

        assertThat(launch().out()).startsWith("jdk 25");
    }

    @Test
    void passesOverAJreAndABrokenRelease() throws Exception {
        Files.delete(fakeJdk("a-jre", "25.0.1").resolve("bin/javac"));
        write(fakeJdk("b-broken", "25.0.2").resolve("release"), "IMPLEMENTOR=\"nobody\"\nJAVA_VERSION=\"\"\n");
        Files.delete(fakeJdk("c-unnamed", "25.0.2").resolve("release"));
        fakeJdk("d-jdk", "25.0.3");

        assertThat(launch().out()).startsWith("jdk 25.0.3");
    }

    @Test
    void javaHomeComesFirst() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        environment.put("JAVA_HOME", fakeJdk("../mine", "25.0.1").toString());

        assertThat(launch().out()).startsWith("jdk 25.0.1");
    }

    @Test
    void anOldJavaHomeAndAnOldJavaOnThePathArePassedOver() throws Exception {
        Path old = fakeJdk("jdk-17", "17.0.15");
        fakeJdk("jdk-25", "25.0.3");
        environment.put("JAVA_HOME", old.toString());
        Files.createSymbolicLink(bin.resolve("java"), old.resolve("bin/java"));

        assertThat(launch().out()).startsWith("jdk 25.0.3");
    }

    @Test
    void findsTheJdkOfTheJavaOnThePath() throws Exception {
        Path jdk = fakeJdk("../elsewhere/jdk 25", "25.0.2");
        Files.createSymbolicLink(bin.resolve("java"), jdk.resolve("bin/java"));

        assertThat(launch().out()).startsWith("jdk 25.0.2");
    }

    @Test
    void remembersTheJdkItFoundUntilItIsGone() throws Exception {
        Path first = fakeJdk("jdk-26", "26");
        launch();
        fakeJdk("jdk-25", "25.0.3");
        assertThat(launch().out()).startsWith("jdk 26");

        Files.delete(first.resolve("bin/java"));
        assertThat(launch().out()).startsWith("jdk 25.0.3");
    }

    @Test
    void noJdkIsOneLineAndExit3() throws Exception {
        fakeJdk("jdk-17", "17.0.15");

        Run run = launch();

        assertThat(run.exit()).isEqualTo(3);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("sennit: no JDK 25").contains("JAVA_HOME", "PATH", "/usr/lib/jvm", "install")
                .hasLineCount(1);
    }

    @Test
    void argumentsOptionsAndExitCodePassUnchanged() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        environment.put("SENNIT_JAVA_OPTS", "-Xmx64m -Done=* ");
        environment.put("FAKE_EXIT", "42");

        Run run = launch("compare", "two words", "*", "", "--on=threads:2");

        assertThat(run.exit()).isEqualTo(42);
        assertThat(run.out().lines().skip(1))
                .startsWith("[-Xmx64m]", "[-Done=*]", "[-jar]", "[" + jar() + "]")
                .endsWith("[compare]", "[two words]", "[*]", "[]", "[--on=threads:2]")
                .hasSize(9);
    }

    @Test
    void startsThroughSymbolicLinksAndKeepsTheFolder() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        Path links = Files.createDirectories(temp.resolve("the links"));
        Files.createSymbolicLink(links.resolve("one"), Path.of("../a project/sennit"));
        Files.createSymbolicLink(links.resolve("two"), links.resolve("one"));

        Run run = launch(links, links.resolve("two").toString());

        assertThat(run.exit()).isZero();
        assertThat(run.out()).contains("[" + jar() + "]").contains(" in " + links.toRealPath());
        assertThat(launch(home, "sh", "sennit").exit()).isZero();
    }

    @Test
    void buildsOnFirstUseAndThenOnlyWhenSourcesAreNewer() throws Exception {
        fakeJdk("jdk-25", "25.0.3");

        assertThat(launch().err()).isEqualTo("building sennit (first use) ...\n");
        assertThat(launch().err()).isEmpty();

        age();
        assertThat(launch().err()).isEmpty();
        write(home.resolve(POOL), "changed");
        assertThat(launch().err()).isEqualTo("building sennit (sources changed) ...\n");

        age();
        Files.delete(home.resolve(TASK));
        assertThat(launch().err()).isEqualTo("building sennit (sources changed) ...\n");

        age();
        write(home.resolve("cli/pom.xml"), "changed");
        assertThat(launch().err()).isEqualTo("building sennit (sources changed) ...\n");
        assertThat(launch().err()).isEmpty();
        assertThat(builds()).isEqualTo(4);
    }

    @Test
    void whatChangesDuringABuildIsBuiltNextTime() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        fakeMaven("sleep 0.1; : > core/src/main/java/Pool.java; mkdir -p cli/target && : > cli/target/sennit.jar");
        launch();

        assertThat(launch().err()).isEqualTo("building sennit (sources changed) ...\n");
    }

    @Test
    void aFailedBuildIsOneLineThatNamesTheErrorAndTheLog() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        fakeMaven("echo '[ERROR] COMPILATION ERROR : '; echo '[ERROR] Pool.java:[3,7] cannot find symbol'; exit 1");

        Run run = launch("primes");

        assertThat(run.exit()).isEqualTo(3);
        assertThat(run.out()).isEmpty();
        Path log = home.toRealPath().resolve("target/build.log");
        assertThat(run.err().lines())
                .containsExactly(
                        "building sennit (first use) ...",
                        "sennit: the build failed: Pool.java:[3,7] cannot find symbol (all of it: " + log + ")");
        assertThat(Files.exists(home.resolve("target/build.lock"), LinkOption.NOFOLLOW_LINKS)).isFalse();
    }

    @Test
    void noMavenIsOneLineAndExit3() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        Files.delete(bin.resolve("mvn"));

        Run run = launch();

        assertThat(run.exit()).isEqualTo(3);
        assertThat(run.err()).contains("Maven").hasLineCount(1);
    }

    @Test
    void ofManyFirstStartsOneBuilds() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        fakeMaven("sleep 0.5; mkdir -p cli/target && : > cli/target/sennit.jar");
        List<Started> started = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            started.add(start(home, List.of(home.resolve("sennit").toString())));
        }

        for (Started one : started) {
            assertThat(one.end().exit()).isZero();
        }
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void aLockOfADeadProcessIsTakenOver() throws Exception {
        fakeJdk("jdk-25", "25.0.3");
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Files.createDirectories(home.resolve("target"));
        Files.createSymbolicLink(home.resolve("target/build.lock"), Path.of(Long.toString(dead.pid())));

        Run run = launch();

        assertThat(run.exit()).isZero();
        assertThat(run.err()).isEqualTo("building sennit (first use) ...\n");
    }

    /** For a manager that hands over; a link may lead to another release by then, so it is not followed. */
    @Test
    void tellsTheJvmHowItWasCalled() throws Exception {
        Path jdk = fakeJdk("jdk-25", "25");
        script(jdk.resolve("bin/java"), "echo \"$$ $SENNIT_LAUNCHER $_JAVA_SR_SIGNUM\"");
        Files.createSymbolicLink(temp.resolve("link"), home.resolve("sennit"));

        assertThat(launch(temp, "./link", "services", "a b.toml").out())
                .matches("(\\d+) \\1 2 " + temp.toRealPath() + "/\\./link 40\n");
        environment.put("_JAVA_SR_SIGNUM", "41");
        assertThat(launch(temp, temp.resolve("link").toString()).out()).matches("(\\d+) \\1 0 " + temp + "/link 41\n");
    }

    private Run launch(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(home.resolve("sennit").toString()));
        command.addAll(List.of(arguments));
        return start(temp, command).end();
    }

    private Run launch(Path folder, String... command) throws IOException, InterruptedException {
        return start(folder, List.of(command)).end();
    }

    private void fakeMaven(String body) throws IOException {
        script(bin.resolve("mvn"), "echo \"$JAVA_HOME\" >> target/builds; " + body);
    }

    private long builds() throws IOException {
        return Files.readAllLines(home.resolve("target/builds")).size();
    }

    private Path jar() throws IOException {
        return home.toRealPath().resolve("cli/target/sennit.jar");
    }

    /** Makes everything a minute older, so that the next change is newer on any file system. */
    private void age() throws IOException {
        try (var files = Files.walk(home)) {
            for (Path file : files.filter(Files::exists).toList()) {
                Instant then = Files.getLastModifiedTime(file).toInstant();
                Files.setLastModifiedTime(file, FileTime.from(then.minusSeconds(60)));
            }
        }
    }
}
