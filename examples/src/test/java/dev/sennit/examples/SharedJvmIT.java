package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** What is wrong with an example shows where examples share a JVM, and harms none of those that follow. */
class SharedJvmIT {
    private static final Duration LONG = Duration.ofMinutes(1);

    static final class Prints {
        public static void main(String[] arguments) {
            System.out.print("out " + String.join("+", arguments));
            System.err.print("err");
        }
    }

    static final class Throws {
        public static void main(String[] arguments) {
            throw new IllegalStateException("broken");
        }
    }

    static final class Exits {
        public static void main(String[] arguments) {
            System.out.println("so far");
            System.exit(3);
        }
    }

    static final class GoesOn {
        public static void main(String[] arguments) {
            Thread main = Thread.currentThread();
            new Thread(() -> {
                while (main.getState() != Thread.State.WAITING) { // until somebody waits for this thread to end
                    Thread.onSpinWait();
                }
                System.out.println("went on");
            }).start();
        }
    }

    static final class NeverEnds {
        public static void main(String[] arguments) {
            new Thread(() -> {
                while (true) {
                    LockSupport.park();
                }
            }, "left behind").start();
        }
    }

    static final class LeavesAProcess {
        public static void main(String[] arguments) throws Exception {
            new ProcessBuilder("sleep", "30").start();
        }
    }

    private static SharedJvm jvm(Duration limit) {
        return new SharedJvm(System.getProperty("java.class.path"), limit);
    }

    private static Run run(SharedJvm jvm, Class<?> example, String... arguments) throws Exception {
        return jvm.run(example.getName().replace(SharedJvmIT.class.getPackageName() + ".", ""), arguments);
    }

    @Test
    void eachHasItsOwnOutput() throws Exception {
        try (SharedJvm jvm = jvm(LONG)) {
            assertThat(run(jvm, Prints.class, "a", "b")).isEqualTo(new Run(0, "out a+b", "err"));
            assertThat(run(jvm, Prints.class)).isEqualTo(new Run(0, "out ", "err"));
            assertThat(run(jvm, GoesOn.class)).isEqualTo(new Run(0, "went on\n", ""));
        }
    }

    @Test
    void whatIsThrownIsPrintedAndFails() throws Exception {
        try (SharedJvm jvm = jvm(LONG)) {
            Run run = run(jvm, Throws.class);
            assertThat(run.exitCode()).isOne();
            assertThat(run.errors())
                    .startsWith("Exception in thread \"main\" java.lang.IllegalStateException: broken")
                    .contains("SharedJvmIT$Throws.main");
            assertThat(run(jvm, Prints.class)).isEqualTo(new Run(0, "out ", "err"));
        }
    }

    @Test
    void anotherFollowsAJvmThatIsEnded() throws Exception {
        try (SharedJvm jvm = jvm(LONG)) {
            assertThat(run(jvm, Exits.class)).isEqualTo(new Run(3, "so far\n", ""));
            assertThat(run(jvm, Prints.class)).isEqualTo(new Run(0, "out ", "err"));
        }
    }

    @Test
    void whatIsLeftIsFound() throws Exception {
        try (SharedJvm jvm = jvm(Duration.ofSeconds(1))) {
            Run run = run(jvm, NeverEnds.class);
            assertThat(run.exitCode()).isOne();
            assertThat(run.errors()).contains("SharedJvmIT$NeverEnds", "has not ended in time", "left behind");
            run = run(jvm, LeavesAProcess.class);
            assertThat(run.exitCode()).isOne();
            assertThat(run.errors()).contains("has not ended in time; processes: [");
            assertThat(run(jvm, Prints.class).output()).isEqualTo("out ");
        }
    }
}
