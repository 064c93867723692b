package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.PeriodicTask;
import dev.sennit.PeriodicWorker;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Schedule;
import dev.sennit.TaskOptions;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.loop.EventLoop;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
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

    /** A JVM that has said it is ready. */
    private Process start(List<String> options, Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-opens",
                "java.base/java.lang=ALL-UNNAMED",
                "--add-opens",
                "java.base/java.util.concurrent.locks=ALL-UNNAMED"));
        command.addAll(options);
        command.add(main.getName());
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectError(temp.resolve("err").toFile()).start();
        BufferedReader out = process.inputReader();
        assertThat(out.readLine()).isEqualTo("ready");
        return process;
    }

    private static String locationOf(Class<?> type) throws Exception {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
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

    /** One worker that is busy, and one task that waits for it. */
    static final class Laboratory {
        private Laboratory() {}

        public static void main(String[] arguments) throws Exception {
            Pool pool = Pools.open("processes:1?name=photos");
            pool.submit(() -> 1).get();
            pool.submit(Laboratory::stay, TaskOptions.named("shrink"));
            pool.submit(() -> 2, TaskOptions.named("after it"));
            while (pool.statistics().running() == 0) {
                Thread.onSpinWait();
            }
            System.out.println("ready");
            stay();
        }

        private static int stay() throws InterruptedException {
            new CountDownLatch(1).await();
            return 0;
        }
    }

    @Test
    void printsPoolsOfWorkerProcesses() throws Exception {
        Process laboratory = start(
                List.of("--enable-native-access=ALL-UNNAMED", "--class-path", System.getProperty("java.class.path")),
                Laboratory.class);
        try {
            String pid = Long.toString(laboratory.pid());
            Run text = Run.sennit("ps", pid);
            Run json = Run.sennit("ps", pid, "--json");

            long worker = laboratory.children().findFirst().orElseThrow().pid();
            assertThat(text.err()).isEmpty();
            assertThat(text.out()).hasSize(2);
            assertThat(text.out().get(0))
                    .isEqualTo("photos: 1 worker process, 1 task runs, 1 waits, 0 workers were lost");
            assertThat(text.out().get(1))
                    .matches("  photos-worker-1  pid " + worker + "  busy, runs shrink( for .*)?, 1 task done, .* old");
            assertThat(json.out()).hasSize(2);
            assertThat(json.out().getFirst()).startsWith("{\"pool\":\"photos\",\"kind\":\"processes\",")
                    .contains("\"queued\":1,\"running\":1,\"succeeded\":1,", "\"workerPids\":[" + worker + "]");
            assertThat(json.out().getLast())
                    .startsWith("{\"pool\":\"photos\",\"worker\":\"photos-worker-1\",\"pid\":" + worker
                            + ",\"state\":\"busy\",\"task\":\"shrink\"");
            assertThat(temp.resolve("err")).isEmptyFile();
        } finally {
            laboratory.destroyForcibly().waitFor();
        }
    }

    /** A pool of each kind that is not told of in more detail. */
    static final class Office {
        private Office() {}

        public static void main(String[] arguments) throws Exception {
            Pool desks = Pools.open("threads:1?name=desks");
            desks.submit(() -> 1).get();
            desks.submit(Office::stay, TaskOptions.named("letter"));
            desks.submit(() -> 2);
            Pool errands = Pools.open("virtual?name=errands");
            errands.submit(Office::stay);
            while (desks.statistics().running() + errands.statistics().running() < 2) {
                Thread.onSpinWait();
            }
            errands.shutdown();
            System.out.println("ready");
            stay();
        }

        private static int stay() throws InterruptedException {
            new CountDownLatch(1).await();
            return 0;
        }
    }

    @Test
    void printsPoolsOfThreads() throws Exception {
        Process office = start(List.of("--class-path", System.getProperty("java.class.path")), Office.class);
        assertIsTheOffice(office);
    }

    @Test
    void poolsOfThreadsMayBeOfALoaderThatTheJvmDoesNotKnow() throws Exception {
        Process office = start(
                List.of("--class-path", locationOf(Container.class)), Container.class, Office.class.getName(),
                locationOf(EventLoop.class), locationOf(Office.class));
        assertIsTheOffice(office);
    }

    private void assertIsTheOffice(Process office) throws Exception {
        try {
            Run run = Run.sennit("ps", Long.toString(office.pid()));

            assertThat(run.err()).isEmpty();
            assertThat(run.out()).containsExactly(
                    "desks: threads, 1 worker, 1 task runs, 1 waits, 1 succeeded, 0 failed, 0 cancelled",
                    "errands: virtual, shut down, 1 worker, 1 task runs, 0 wait, 0 succeeded, 0 failed, 0 cancelled");
            assertThat(temp.resolve("err")).isEmptyFile();
        } finally {
            office.destroyForcibly().waitFor();
        }
    }

    /** A periodic worker, and a service manager that has not been started. */
    static final class House {
        private House() {}

        public static void main(String[] arguments) throws Exception {
            PeriodicWorker cleaner = PeriodicWorker.builder().name("cleaner").open();
            var ran = new CountDownLatch(1);
            cleaner.add("tidy", Schedule.fixedRate(Duration.ofHours(1)).immediately(), ran::countDown);
            PeriodicTask idle = cleaner.add("shine", Schedule.afterEnd(Duration.ofMinutes(1)), () -> {});
            idle.disable();
            cleaner.start();
            ran.await();
            while (cleaner.tasks().getFirst().statistics().nextIn() == null) {
                Thread.onSpinWait();
            }
            ServiceManager shop = ServiceManager.create(
                    "shop", ServiceLog.to(OutputStream.nullOutputStream(), ServiceLog.Format.TEXT));
            shop.add(ServiceSettings.ofCommand("printer", "sleep", "60").workers(2).build());
            if (arguments.length > 0) {
                shop.start();
                shop.whenUp().get();
            }
            System.out.println("ready");
            new CountDownLatch(1).await();
            cleaner.close(); // still known up to here
            shop.close();
        }
    }

    @Test
    void printsPeriodicWorkersAndServices() throws Exception {
        Process house = start(List.of("--class-path", System.getProperty("java.class.path")), House.class, "start");
        try {
            String pid = Long.toString(house.pid());
            Run text = Run.sennit("ps", pid);
            Run json = Run.sennit("ps", pid, "--json");

            List<Long> workers = house.descendants().map(ProcessHandle::pid).toList();
            String anyPid = workers.stream().map(Object::toString).collect(Collectors.joining("|", "(", ")"));
            assertThat(text.err()).isEmpty();
            assertThat(text.out()).hasSize(8);
            assertThat(text.out().get(0)).startsWith("cleaner: virtual, ");
            assertThat(text.out().get(1)).isEqualTo("cleaner: periodic worker, 2 tasks");
            assertThat(text.out().get(2)).matches("  tidy  every 3600 s, first at once, 1 run, 0 failed, 0 missed, "
                    + "mean run .*s, mean late .*s, next in \\d+\\.\\d+ s");
            assertThat(text.out().get(3))
                    .isEqualTo("  shine  60 s after the end, 0 runs, 0 failed, 0 missed, disabled");
            assertThat(text.out().get(4)).isEqualTo("shop: services, up, 1 service");
            assertThat(text.out().get(5)).isEqualTo("  printer: 2 of 2 workers ready, generation 1");
            assertThat(text.out().get(6))
                    .matches(
                            "    worker\\(0\\)  pid " + anyPid + "  ready for .*s, generation 1, 0 restarts: is ready");
            assertThat(text.out().get(7)).startsWith("    worker(1)  pid ");
            assertThat(json.out()).hasSize(8);
            assertThat(json.out().get(1))
                    .isEqualTo("{\"periodicWorker\":\"cleaner\",\"isRunning\":true,\"tasks\":2}");
            assertThat(json.out().get(2)).startsWith("{\"periodicWorker\":\"cleaner\",\"task\":\"tidy\","
                    + "\"schedule\":\"every 3600 s, first at once\",\"runs\":1,\"successes\":1,");
            assertThat(json.out().get(3)).endsWith("\"meanRunSeconds\":null,\"meanLateSeconds\":null,"
                    + "\"lastFailure\":null,\"isRunning\":false,\"isEnabled\":false,\"nextInSeconds\":null}");
            assertThat(json.out().get(4)).isEqualTo(
                    "{\"manager\":\"shop\",\"state\":\"started\",\"isUp\":true,\"services\":1}");
            assertThat(json.out().get(5)).isEqualTo("{\"manager\":\"shop\",\"service\":\"printer\",\"wanted\":2,"
                    + "\"ready\":2,\"generation\":1,\"isReloading\":false,\"isUp\":true,\"obstacle\":null}");
            assertThat(json.out().get(6)).startsWith("{\"manager\":\"shop\",\"service\":\"printer\",\"worker\":0,"
                    + "\"state\":\"ready\",").contains("\"heartbeatSeconds\":null,", "\"lastEnd\":null,");
            assertThat(temp.resolve("err")).isEmptyFile();
        } finally {
            List<ProcessHandle> workers = house.descendants().toList();
            house.destroyForcibly().waitFor();
            workers.forEach(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void periodicWorkersAndServicesMayBeOfALoaderThatTheJvmDoesNotKnow() throws Exception {
        Process house = start(
                List.of("--class-path", locationOf(Container.class)), Container.class, House.class.getName(),
                locationOf(EventLoop.class), locationOf(House.class));
        try {
            Run text = Run.sennit("ps", Long.toString(house.pid()));

            assertThat(text.err()).isEmpty();
            assertThat(text.out()).hasSize(6);
            assertThat(text.out().get(1)).isEqualTo("cleaner: periodic worker, 2 tasks");
            assertThat(text.out().get(4)).isEqualTo("shop: services, created, 1 service");
            assertThat(text.out().get(5)).isEqualTo("  printer: 0 of 2 workers ready, generation 1");
        } finally {
            house.destroyForcibly().waitFor();
        }
    }

    /** Runs a program as an application server would: in a loader of its own. */
    static final class Container {
        private Container() {}

        /** Arguments: the program, and its class path. */
        public static void main(String[] arguments) throws Exception {
            List<URL> urls = new ArrayList<>();
            for (String place : List.of(arguments).subList(1, arguments.length)) {
                urls.add(Path.of(place).toUri().toURL());
            }
            try (var loader = new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
                Method main = loader.loadClass(arguments[0]).getDeclaredMethod("main", String[].class);
                main.setAccessible(true);
                main.invoke(null, (Object) new String[0]);
            }
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
        Process shop = start(List.of("--class-path", System.getProperty("java.class.path")), Shop.class);
        try {
            String pid = Long.toString(shop.pid());
            Run text = Run.sennit("ps", pid);
            Run stacks = Run.sennit("ps", pid, "--stacks");
            Run json = Run.sennit("ps", pid, "--json");

            assertThat(text.err()).isEmpty();
            assertThat(text.exit()).isZero();
            assertThat(text.out()).hasSize(3);
            assertThat(text.out().get(0)).isEqualTo("loop-1: 2 coroutines");
            assertThat(text.out().get(1)).matches(
                    "  main  waiting for CountDownLatch@\\w+ at .*PsIT\\$Shop\\.stay\\(PsIT.java:\\d+\\), .* old");
            assertThat(text.out().get(2)).startsWith("    order  waiting for CountDownLatch@");
            assertThat(stacks.out())
                    .anyMatch(line -> line.startsWith("      at java.util.concurrent.CountDownLatch.await("));
            assertThat(json.out()).hasSize(3);
            assertThat(json.out().getFirst()).startsWith("{\"pool\":\"loop-1\",\"kind\":\"loop\",");
            assertThat(json.out().getLast()).startsWith("{\"loop\":\"loop-1\",")
                    .contains("\"name\":\"order\",\"state\":\"waiting\"");
            assertThat(temp.resolve("err")).isEmptyFile();
        } finally {
            shop.destroyForcibly().waitFor();
        }
    }

    @Test
    void theLibraryMayBeOnTheModulePath() throws Exception {
        Process shop = start(
                List.of(
                        "--add-opens",
                        "java.base/java.lang=dev.sennit",
                        "--module-path",
                        locationOf(EventLoop.class),
                        "--add-modules",
                        "dev.sennit",
                        "--class-path",
                        locationOf(Shop.class)),
                Shop.class);
        assertHasTwoCoroutines(shop);
    }

    @Test
    void theLibraryMayBeOfALoaderThatTheJvmDoesNotKnow() throws Exception {
        Process shop = start(
                List.of("--class-path", locationOf(Container.class)), Container.class, Shop.class.getName(),
                locationOf(EventLoop.class), locationOf(Shop.class));
        assertHasTwoCoroutines(shop);
    }

    @Test
    void thePoolMayBeOfALoaderThatTheJvmDoesNotKnow() throws Exception {
        Process laboratory = start(
                List.of("--enable-native-access=ALL-UNNAMED", "--class-path", locationOf(Container.class)),
                Container.class, Laboratory.class.getName(), locationOf(EventLoop.class), locationOf(Laboratory.class));
        try {
            Run run = Run.sennit("ps", Long.toString(laboratory.pid()));

            assertThat(run.err()).isEmpty();
            assertThat(run.out()).hasSize(2);
            assertThat(run.out().getFirst()).startsWith("photos: 1 worker process, 1 task runs, 1 waits");
        } finally {
            laboratory.destroyForcibly().waitFor();
        }
    }

    private void assertHasTwoCoroutines(Process shop) throws Exception {
        try {
            for (int i = 0; i < 2; i++) {
                Run run = Run.sennit("ps", Long.toString(shop.pid()));

                assertThat(run.err()).isEmpty();
                assertThat(run.out()).hasSize(3);
                assertThat(run.out().getFirst()).isEqualTo("loop-1: 2 coroutines");
            }
            assertThat(temp.resolve("err")).isEmptyFile();
        } finally {
            shop.destroyForcibly().waitFor();
        }
    }

    @Test
    void aJvmWithoutTheLibraryIsToldOfInOneLine() throws Exception {
        Process plain = start(List.of("--class-path", locationOf(Plain.class)), Plain.class);
        try {
            Run run = Run.sennit("ps", Long.toString(plain.pid()));

            assertThat(run.err()).containsExactly(
                    "sennit: process " + plain.pid() + " has no Sennit with open pools");
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
