package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskOptions;
import dev.sennit.loop.EventLoop;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Looks into JVMs that run. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(120)
class PsIT {
    @TempDir
    Path temp;

    /** A JVM whose class path is given, and that has said it is ready. */
    private Process start(String classPath, Class<?> main) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-opens",
                "java.base/java.lang=ALL-UNNAMED",
                "--add-opens",
                "java.base/java.util.concurrent.locks=ALL-UNNAMED",
                "--class-path",
                classPath,
                main.getName()));
        Process process = new ProcessBuilder(command).redirectError(temp.resolve("err").toFile()).start();
        BufferedReader out = process.inputReader();
        assertThat(out.readLine()).isEqualTo("ready");
        return process;
    }

    /** Two coroutines that wait until the process is killed. */
    static final class Shop {
        private Shop() {}

        public static void main(String[] arguments) {
            EventLoop.run(() -> {
                EventLoop.current().submit(Shop::stay, TaskOptions.named("order"));
                EventLoop.yieldNow();
                System.out.println("ready");
                return stay();
            });
        }

        private static int stay() throws InterruptedException {
            new CountDownLatch(1).await();
            return 0;
        }
    }

    /** Knows nothing of the library. */
    static final class Plain {
        private Plain() {}

        public static void main(String[] arguments) throws InterruptedException {
            System.out.println("ready");
            new CountDownLatch(1).await();
        }
    }

    @Test
    void printsTheTreeAndLeavesNoTraceInTheOther() throws Exception {
        Process shop = start(System.getProperty("java.class.path"), Shop.class);
        try {
            String pid = Long.toString(shop.pid());
            Run text = Run.sennit("ps", pid);
            Run stacks = Run.sennit("ps", pid, "--stacks");
            Run json = Run.sennit("ps", pid, "--json");

            assertThat(text.err()).isEmpty();
            assertThat(text.exit()).isZero();
            assertThat(text.out()).hasSize(3);
            assertThat(text.out().get(0)).isEqualTo("loop-1: 2 coroutines");
            assertThat(text.out().get(1)).matches("  main  waiting for CountDownLatch@\\w+ at .*PsIT\\$Shop\\.stay\\(PsIT.java:\\d+\\), .* old");
            assertThat(text.out().get(2)).startsWith("    order  waiting for CountDownLatch@");
            assertThat(stacks.out()).anyMatch(line -> line.startsWith("      at java.util.concurrent.CountDownLatch.await("));
            assertThat(json.out()).hasSize(2);
            assertThat(json.out().getLast()).startsWith("{\"loop\":\"loop-1\",").contains("\"name\":\"order\",\"state\":\"waiting\"");
            assertThat(temp.resolve("err")).isEmptyFile();
        } finally {
            shop.destroyForcibly().waitFor();
        }
    }

    @Test
    void aJvmWithoutTheLibraryIsToldOfInOneLine() throws Exception {
        var tests = Plain.class.getProtectionDomain().getCodeSource().getLocation();
        Process plain = start(Path.of(tests.toURI()).toString(), Plain.class);
        try {
            Run run = Run.sennit("ps", Long.toString(plain.pid()));

            assertThat(run.err()).containsExactly(
                    "sennit: process " + plain.pid() + " has no Sennit with event loops on its class path");
            assertThat(run.out()).isEmpty();
            assertThat(run.exit()).isEqualTo(ExitCode.TASKS_FAILED);
        } finally {
            plain.destroyForcibly().waitFor();
        }
    }

    @Test
    void aProcessThatIsNoJvmIsLeftAlone() throws Exception {
        Process cat = new ProcessBuilder("cat").start();
        try {
            Run run = Run.sennit("ps", Long.toString(cat.pid()));

            assertThat(run.err()).containsExactly(
                    "sennit: process " + cat.pid() + " is no JVM that answers: jps lists those that there are");
            assertThat(run.exit()).isEqualTo(ExitCode.USAGE);
            assertThat(cat.isAlive()).isTrue();
        } finally {
            cat.destroyForcibly().waitFor();
        }
    }
}
