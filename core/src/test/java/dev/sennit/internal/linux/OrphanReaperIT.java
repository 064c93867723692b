package dev.sennit.internal.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import dev.sennit.conformance.internal.Conditions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** In JVMs of their own: the children of the tests' JVM are not to be reaped. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class OrphanReaperIT {
    @Test
    void orphansAreReapedAtTheSecondLook() throws Exception {
        assertThat(Program.outputOf(Adopts.class, "--enable-native-access=ALL-UNNAMED")).isEqualTo("""
                adopted and ended: Z
                first look: 0
                second look: 1
                still there: false
                third look: 0
                """);
    }

    static final class Adopts {
        public static void main(String[] arguments) throws Exception {
            OrphanReaper.adopt();
            Process shell = new ProcessBuilder("sh", "-c", "sleep 0.1 >/dev/null 2>&1 & echo $!").start();
            long orphan = Long.parseLong(shell.inputReader().readLine());
            shell.waitFor();
            Conditions.await("it has ended").until(() -> state(orphan).equals("Z"));
            System.out.println("adopted and ended: " + state(orphan));
            System.out.println("first look: " + OrphanReaper.reap(Set.of()));
            System.out.println("second look: " + OrphanReaper.reap(Set.of()));
            System.out.println("still there: " + Files.exists(Path.of("/proc/" + orphan)));
            System.out.println("third look: " + OrphanReaper.reap(Set.of()));
        }
    }

    @Test
    void exitCodesOfOwnProcessesAreNotStolen() throws Exception {
        assertThat(Program.outputOf(LooksAllTheTime.class, "--enable-native-access=ALL-UNNAMED"))
                .isEqualTo("exit codes right: 200 of 200\norphans reaped: 40 of 40\n");
    }

    /** Looks as often as it can. */
    static final class LooksAllTheTime {
        private static volatile boolean ends;

        public static void main(String[] arguments) throws Exception {
            OrphanReaper.adopt();
            Set<Long> own = ConcurrentHashMap.newKeySet();
            var reaped = new AtomicInteger();
            Thread looks = Thread.ofPlatform().start(() -> {
                while (!ends) {
                    reaped.addAndGet(OrphanReaper.reap(own));
                }
            });
            int right = 0;
            for (int i = 0; i < 200; i++) {
                String orphan = i % 5 == 0 ? "sleep 2 >/dev/null 2>&1 & " : "";
                Process process = new ProcessBuilder("sh", "-c", orphan + "read go; exit 7").start();
                own.add(process.pid());
                process.outputWriter().close();
                right += process.waitFor() == 7 ? 1 : 0;
            }
            Conditions.await("all are reaped").until(() -> reaped.get() >= 40);
            ends = true;
            looks.join();
            System.out.println("exit codes right: " + right + " of 200");
            System.out.println("orphans reaped: " + reaped + " of 40");
        }
    }

    private static String state(long pid) throws Exception {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        return stat.substring(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    }

    /** Other code in this JVM starts processes too: the JDK's thread has the time between two looks. */
    @Test
    void aProcessThatTheCallerDoesNotKnowKeepsItsExitCode() throws Exception {
        assertThat(Program.outputOf(ForgetsItsOwn.class, "--enable-native-access=ALL-UNNAMED"))
                .isEqualTo("exit code 7 after 0 reaped\n");
    }

    static final class ForgetsItsOwn {
        public static void main(String[] arguments) throws Exception {
            Process process = new ProcessBuilder("sh", "-c", "read go; exit 7").start();
            process.outputWriter().close();
            int reaped = OrphanReaper.reap(Set.of());
            process.waitFor(10, TimeUnit.SECONDS);
            reaped += OrphanReaper.reap(Set.of());
            System.out.println("exit code " + process.exitValue() + " after " + reaped + " reaped");
        }
    }
}
