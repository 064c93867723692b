package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Program;
import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.LinuxProcess;
import dev.sennit.manager.ManagedValue;
import dev.sennit.manager.ManagerServer;
import java.io.Serializable;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TimeZone;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Where workers live: environment, working directory, and their place in the kernel's list. */
@Timeout(120)
class WorkerSettingsIT {
    private static ProcessPool.Builder one() {
        return ProcessPool.builder().workers(1).heap("64m").output(WorkerOutput.DISCARD);
    }

    @Test
    void variablesAreAddedToThoseOfThisJvm(@TempDir Path folder) throws Exception {
        try (Pool pool = Pools.open("processes:1?heap=64m&env.GREETING=good day&env.PATH=" + folder)) {
            assertThat(pool.submit(() -> System.getenv("GREETING")).get(60, SECONDS)).isEqualTo("good day");
            assertThat(pool.submit(() -> System.getenv("PATH")).get(60, SECONDS)).isEqualTo(folder.toString());
            Map<String, String> own = System.getenv();
            String other = own.keySet().stream().filter(name -> name.equals("HOME")).findFirst().orElse("PWD");
            assertThat(pool.submit(() -> System.getenv(other)).get(60, SECONDS)).isEqualTo(own.get(other));
        }
    }

    @Test
    void optionsInTheEnvironmentAreTheUsersOwn() throws Exception {
        try (ProcessPool pool = one().environment(Map.of("JDK_JAVA_OPTIONS", "-Dby.variable=set")).open()) {
            assertThat(pool.submit(() -> System.getProperty("by.variable")).get(60, SECONDS)).isEqualTo("set");
        }
    }

    /** Ended by what its worker leaves to the parent. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aProgramThatATaskStartsCanBeEndedAsAnyOther() throws Exception {
        try (ProcessPool pool = one().open()) {
            int exitCode = pool.submit(() -> new ProcessBuilder("sh", "-c", "kill -TERM $$; exit 7").start().waitFor())
                    .get(60, SECONDS);
            assertThat(exitCode).isEqualTo(143);
        }
    }

    /** What a program that sets all there is finds in a worker. */
    static final class SetAtRunTime {
        record Seen(String zone, String locale, String format, String word, String lines, String home, boolean agent,
                boolean share, boolean opened, String level)
                implements Serializable {}

        public static void main(String[] arguments) throws Exception {
            TimeZone.setDefault(TimeZone.getTimeZone("Asia/Tokyo"));
            Locale.setDefault(Locale.of("pt", "BR"));
            Locale.setDefault(Locale.Category.FORMAT, Locale.of("de"));
            System.setProperty("app.word", "set");
            System.setProperty("app.lines", "two\n\"lines\"");
            System.setProperty("user.home", "/elsewhere");
            show("processes:8?min=1&archive=off");
            show("processes:8?min=1&archive=off&properties=inherit&agents=inherit&env.TZ=Europe/Paris&env.LANG=C"
                    + "&jvm=-XX:TieredStopAtLevel=3");
        }

        private static void show(String plan) throws Exception {
            try (Pool pool = Pools.open(plan)) {
                System.out.println(pool.submit(() -> new Seen(
                        TimeZone.getDefault().getID(),
                        Locale.getDefault().toString(),
                        Locale.getDefault(Locale.Category.FORMAT).toString(),
                        System.getProperty("app.word"),
                        System.getProperty("app.lines"),
                        System.getProperty("user.home"),
                        Boolean.getBoolean("agent.was.here"),
                        Runtime.getRuntime().maxMemory() < Math.max(LinuxProcess.memoryBytes() / 100 * 7, 140 << 20),
                        Object.class.getModule().isOpen("java.lang", Seen.class.getModule()),
                        String.join("", ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                                .filter(option -> option.startsWith("-XX:Tiered"))
                                .toList())))
                        .get());
            }
        }
    }

    /** The manifest of the program is its own too. */
    static final class Agent {
        public static void premain(String options) {
            System.setProperty("agent.was.here", options);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void whatWasSetAtRunTimeReachesWorkersOrIsLeft(@TempDir Path folder) throws Exception {
        var manifest = new Manifest();
        manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", Agent.class.getName());
        manifest.getMainAttributes().putValue("Main-Class", SetAtRunTime.class.getName());
        manifest.getMainAttributes().putValue("Class-Path", folderOf(Pool.class) + " " + folderOf(SetAtRunTime.class));
        manifest.getMainAttributes().putValue("Add-Opens", "java.base/java.lang");
        manifest.getMainAttributes().putValue("Enable-Native-Access", "ALL-UNNAMED");
        Path jar = folder.resolve("app.jar");
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Process process = new ProcessBuilder(java.toString(), "-javaagent:" + jar + "=true", "-Duser.language=en",
                "-Duser.country=US",
                "-XX:TieredStopAtLevel=1", "-Dapp.word=given", "-jar", jar.toString())
                .redirectErrorStream(true)
                .start();
        String output;
        try {
            output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } finally {
            process.destroyForcibly();
        }
        assertThat(output)
                .isEqualToNormalizingNewlines("""
                        Seen[zone=Asia/Tokyo, locale=pt_BR, format=de, word=given, lines=null, home=%1$s, \
                        agent=false, share=true, opened=true, level=-XX:TieredStopAtLevel=1]
                        Seen[zone=Europe/Paris, locale=en_US, format=en_US, word=set, lines=two
                        "lines", home=%1$s, agent=true, share=true, opened=true, \
                        level=-XX:TieredStopAtLevel=1-XX:TieredStopAtLevel=3]
                        """.formatted(System.getProperty("user.home")));
    }

    /** Uses all that reads objects, while this JVM has a filter of its own. */
    static final class Filtered {
        /** Travels by Java serialization. */
        static final class Bean implements Serializable {
            private static final long serialVersionUID = 1L;
            final ArrayDeque<String> words = new ArrayDeque<>(List.of("word"));
        }

        public static void main(String[] arguments) throws Exception {
            Bean bean = new Bean();
            try (ProcessPool pool = ProcessPool.builder().workers(1).archive(false).open();
                    ManagerServer manager = ManagerServer.builder().allow(Bean.class.getName()).open()) {
                System.out.println("lambda: " + pool.submit(() -> 1).get());
                try {
                    System.out.println("task: " + pool.submit(() -> bean.words.getFirst()).get());
                } catch (ExecutionException e) {
                    System.out.println("task: " + e.getCause().getMessage());
                }
                System.out.println("result: " + pool.submit(Bean::new).get().words);
                ManagedValue<Bean> value = manager.client().newValue();
                value.set(bean);
                System.out.println("managed: " + value.get().words);
                WorkerProcess process =
                        WorkerProcess.builder().output(WorkerOutput.DISCARD).start(() -> bean.words.clear());
                process.join();
                System.out.println("process: " + process.failure().map(Throwable::getMessage).orElse("done"));
            }
        }
    }

    @Test
    void aFilterOfTheWholeJvmIsNamedWithWhatToAdd() throws Exception {
        String start = "class dev.sennit.process.";
        String end =
                " is refused by the filter of this whole JVM, jdk.serialFilter, through which tasks are read; add "
                        + "\"dev.sennit.**\" before what refuses it, or raise its limits\n";
        String options = "--enable-native-access=ALL-UNNAMED";
        assertThat(Program.outputOf(Filtered.class, "-Djdk.serialFilter=java.**;!*", options))
                .isEqualToNormalizingNewlines("lambda: 1\ntask: " + start + "WorkerSettingsIT$Filtered$Bean" + end
                        + "result: [word]\nmanaged: [word]\nprocess: " + start + "WorkerProcess$MainTask" + end);
        assertThat(Program.outputOf(Filtered.class, "-Djdk.serialFilter=dev.sennit.**;java.**;!*", options))
                .isEqualToNormalizingNewlines(
                        "lambda: 1\ntask: word\nresult: [word]\nmanaged: [word]\nprocess: done\n");
    }

    private static String folderOf(Class<?> type) {
        return type.getProtectionDomain().getCodeSource().getLocation().toExternalForm();
    }

    /** A line comes home under its worker's name. */
    @Test
    void eachWorkerThatIsToBeDebuggedSaysWhere() throws Exception {
        Queue<String> lines = new ConcurrentLinkedQueue<>();
        ProcessPool.Builder settings = one().name("looked-into").debug(true);
        try (ProcessPool pool = settings.onLine((worker, error, line) -> lines.add(worker + ": " + line)).open()) {
            pool.submit(() -> {}).get(60, SECONDS);
            Conditions.await("the port is told").until(() -> !lines.isEmpty());
        }
        assertThat(lines).singleElement().asString()
                .matches("looked-into-worker-1: Listening for transport dt_socket at address: \\d+");
    }

    @Test
    void relativePathsStartInTheDirectory(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("here.txt"), "found");
        try (Pool pool = Pools.open("processes:1?heap=64m&dir=" + folder)) {
            assertThat(pool.submit(() -> Files.readString(Path.of("here.txt"))).get(60, SECONDS)).isEqualTo("found");
        }
    }

    @Test
    void aDirectoryThatIsGoneFailsThePoolAndIsNamed(@TempDir Path folder) throws Exception {
        Path gone = Files.createDirectory(folder.resolve("gone"));
        ProcessPool.Builder settings = one().directory(gone);
        Files.delete(gone);
        try (ProcessPool pool = settings.open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThatThrownBy(() -> future.get(60, SECONDS))
                    .cause()
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContaining(gone.toString());
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void psAndJpsNameAWorker() throws Exception {
        try (ProcessPool pool = one().name("photos").open()) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS);
            String ps = Files.readString(Path.of("/proc", Long.toString(pid), "cmdline")).replace('\0', ' ');
            assertThat(ps).contains("dev.sennit.process.WorkerMain photos-worker-1 ");
            Process jps = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "jps").toString(), "-lm")
                    .start();
            try (var lines = jps.inputReader().lines()) {
                assertThat(lines.filter(line -> line.startsWith(pid + " ")).toList()).singleElement().asString()
                        .contains("dev.sennit.process.WorkerMain photos-worker-1 ");
            }
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void theKernelTakesWorkersFirst() throws Exception {
        String own = Files.readString(Path.of("/proc/self/oom_score_adj"));
        try (ProcessPool pool = one().open()) {
            assertThat(pool.submit(() -> Files.readString(Path.of("/proc/self/oom_score_adj"))).get(60, SECONDS))
                    .isEqualTo("1000\n");
        }
        assertThat(Files.readString(Path.of("/proc/self/oom_score_adj"))).isEqualTo(own);
    }
}
