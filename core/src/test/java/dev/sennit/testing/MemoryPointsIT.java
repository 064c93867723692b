package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The agent as a user starts it, in a JVM of its own. */
@Timeout(120)
class MemoryPointsIT {
    /** A user's. The hour that it sleeps takes no time. */
    private static final Map<String, String> COUNTS = Map.of(
            "com/acme/Counts.java",
            """
            package com.acme;

            import dev.sennit.testing.*;

            public class Counts {
                private int count;

                public static void main(String[] arguments) {
                    try {
                        System.out.println(ScheduleExplorer.of(1000).explore(() -> {
                            var counts = new Counts();
                            Thread one = Thread.startVirtualThread(() -> counts.count++);
                            Thread other = Thread.startVirtualThread(() -> counts.count++);
                            Thread.sleep(3_600_000);
                            one.join();
                            other.join();
                            if (counts.count != 2) {
                                throw new AssertionError("counted " + counts.count);
                            }
                        }));
                    } catch (ScheduleFailure found) {
                        System.out.println(found.getMessage());
                    }
                }
            }
            """);

    /** A program that says what the explorer finds in {@code count++}. */
    public static final class Counts {
        private int count;

        public static void main(String[] arguments) {
            try {
                System.out.println(ScheduleExplorer.of(1000).explore(() -> new Counts().countTwice()));
            } catch (ScheduleFailure found) {
                System.out.println(found.getMessage());
            }
        }

        private void countTwice() throws InterruptedException {
            Thread one = Thread.startVirtualThread(() -> count++);
            Thread other = Thread.startVirtualThread(() -> count++);
            one.join();
            other.join();
            if (count != 2) {
                throw new AssertionError("counted " + count);
            }
        }
    }

    @Test
    void findsALostUpdateInCodeThatDoesNotWait(@TempDir Path folder) throws Exception {
        assertThat(AgentRun.of(folder).program(Counts.class, Counts.class.getName()))
                .contains("AssertionError: counted 1", "memory points on", " writes count", " preempted",
                        "(:n is line n of MemoryPointsIT.java)",
                        "data race: field " + Counts.class.getName() + ".count, ")
                .doesNotContain("NOT REPEATABLE");
    }

    @Test
    void findsNothingWithoutTheAgent() throws Exception {
        assertThat(AgentRun.without().program(Counts.class)).contains("1000 schedules", "memory points off\n");
    }

    @Test
    void theAgentAloneSetsNone(@TempDir Path folder) throws Exception {
        assertThat(AgentRun.of(folder).program(Counts.class)).contains("1000 schedules",
                "memory points off, virtual time");
    }

    @Test
    void findsALostUpdateInAModuleOfTheUsers(@TempDir Path folder) throws Exception {
        var module = new HashMap<>(COUNTS);
        module.put("module-info.java", "module com.acme.counts { requires dev.sennit; }");

        assertThat(AgentRun.of(folder).besideModule(module, "com.acme.counts/com.acme.Counts", "com.acme."))
                .contains("AssertionError: counted 1", "memory points on, virtual time", " writes count", " preempted",
                        "(:n is line n of Counts.java)")
                .doesNotContain("NOT REPEATABLE", "WARNING");
    }

    /** The library is a module, the program is not. */
    @Test
    void findsALostUpdateOnTheClassPathBesideTheModule(@TempDir Path folder) throws Exception {
        assertThat(AgentRun.of(folder).besideModule(COUNTS, "com.acme.Counts", "com.acme."))
                .contains("AssertionError: counted 1", "memory points on, virtual time", " writes count", " preempted",
                        "(:n is line n of Counts.java)")
                .doesNotContain("NOT REPEATABLE", "WARNING");
    }
}
