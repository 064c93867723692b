package dev.sennit.adoption;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.adoption.OutsideProjects.Ended;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runtimes that hold less than a JDK. */
@Timeout(1800) // the first builds all projects
class RuntimeImagesIT {
    @Test
    void jlink() throws Exception {
        Sale.isAllOf(OutsideProjects.run("module-path", "jlink.sh"), Sale.printed());
    }

    @Test
    void javaBaseAlone() throws Exception {
        Sale.isAllOf(OutsideProjects.run("class-path", "java-base.sh"), Sale.printed());
    }

    /** There is nothing to start workers with: the first line says what to add. */
    @Test
    @InFull
    void jpackage() throws Exception {
        Ended ended = OutsideProjects.run("uber-jar", "jpackage.sh");
        assertThat(ended.exitCode()).isNotZero();
        String said = ended.errors().lines().findFirst().orElse("");
        assertThat(said).contains("--jlink-options");
        String remedy = said.substring(said.indexOf("--jlink-options"));
        assertThat(Path.of("src/test/projects/uber-jar/jpackage-with-launcher.sh")).content().contains(remedy);
    }

    @Test
    @InFull
    void jpackageWithLauncher() throws Exception {
        Sale.isAllOf(OutsideProjects.run("uber-jar", "jpackage-with-launcher.sh"), Sale.printed());
    }
}
