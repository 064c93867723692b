package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import dev.sennit.internal.machine.MeetingFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Hooks of a JVM's end. */
@EnabledOnOs(OS.LINUX)
class ExitHooksIT {
    /** Its first folder is made while it shuts down, as a manager makes one that is stopped in its first moment. */
    static final class MakesAFolderLate {
        public static void main(String[] arguments) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    Path folder = MeetingFolder.create();
                    Files.delete(folder);
                    MeetingFolder.removeOfTheDead(folder.getParent(), Files.getOwner(folder.getParent()));
                    System.out.println("made");
                } catch (Throwable e) {
                    System.out.println(e);
                }
            }));
        }
    }

    @Test
    void aClassThatIsFirstUsedWhileTheJvmEndsWorks() throws Exception {
        assertThat(Program.outputOf(MakesAFolderLate.class, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC").strip())
                .isEqualTo("made");
    }
}
