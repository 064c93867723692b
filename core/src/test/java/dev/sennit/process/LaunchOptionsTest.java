package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.Management;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a JVM that has no {@code java.management} reads off its command line is what the JVM itself would tell. */
class LaunchOptionsTest {
    @Test
    void optionsEndWithTheProgram() {
        assertThat(LaunchOptions.of(List.of("-Da=1", "-cp", "x.jar", "-ea", "app.Main", "-Db=2")))
                .containsExactly("-Da=1", "-ea");
        assertThat(LaunchOptions.of(List.of("-Da=1", "-jar", "-Db=2", "-Dc=3"))).containsExactly("-Da=1");
        assertThat(LaunchOptions.of(List.of("-p", "mods", "-Da=1", "-m", "app/app.Main", "-Db=2")))
                .containsExactly("-Da=1");
        assertThat(LaunchOptions.of(List.of("--module-path=mods", "--class-path=x", "--module=app", "-Db=2")))
                .isEmpty();
        assertThat(LaunchOptions.of(List.of())).isEmpty();
    }

    @Test
    void valuesInAWordOfTheirOwnAreJoined() {
        assertThat(LaunchOptions.of(List.of("--add-opens", "java.base/java.lang=ALL-UNNAMED", "--add-modules=a",
                "--enable-native-access", "b", "M")))
                .containsExactly("--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-modules=a",
                        "--enable-native-access=b");
    }

    @Test
    void argumentFilesAreExpanded(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("options"), """
                # what it needs
                -Da="two words" -Db=C:\\plain
                --add-opens
                "java.base/java.lang=ALL-UNNAMED" "-Dc=a \\"quoted\\" one"
                """);
        assertThat(LaunchOptions.of(List.of("@" + file, "-Dd=4", "Main", "@nothing")))
                .containsExactly(
                        "-Da=two words", "-Db=C:\\plain", "--add-opens=java.base/java.lang=ALL-UNNAMED",
                        "-Dc=a \"quoted\" one", "-Dd=4");
        assertThat(LaunchOptions.of(List.of("@" + folder.resolve("gone"), "-Dd=4", "Main"))).containsExactly("-Dd=4");
        assertThat(LaunchOptions.of(List.of("--disable-@files", "@" + file))).isEmpty();
    }

    @Test
    void variablesHaveQuotesAlone() {
        assertThat(LaunchOptions.words(" -Da='x y'  -Db=\"#\\n\" ", false)).containsExactly("-Da=x y", "-Db=#\\n");
        assertThat(LaunchOptions.words(null, false)).isEmpty();
    }

    @Test
    void aManifestSaysWhatTheLauncherDoesForIt(@TempDir Path folder) throws Exception {
        var manifest = new Manifest();
        manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
        manifest.getMainAttributes().putValue("Add-Opens", "java.base/java.lang java.base/java.util");
        manifest.getMainAttributes().putValue("Add-Exports", "java.base/sun.nio.ch");
        manifest.getMainAttributes().putValue("Enable-Native-Access", "ALL-UNNAMED");
        Path jar = folder.resolve("app.jar");
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
        assertThat(LaunchOptions.ofManifest(jar))
                .containsExactly(
                        "--add-opens=java.base/java.lang=ALL-UNNAMED",
                        "--add-opens=java.base/java.util=ALL-UNNAMED",
                        "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED");
        assertThat(LaunchOptions.ofManifest(folder.resolve("none.jar"))).isEmpty();
        assertThat(LaunchOptions.ofManifest()).as("tests are started otherwise").isEmpty();
    }

    @Test
    void theJvmsOwnWordIsTakenWhereThereIsOne() {
        assertThat(LaunchOptions.ofThisJvm()).isEqualTo(Management.options());
        assertThat(LaunchOptions.forWorker(List.of("-Da=1"))).isEmpty();
    }
}
