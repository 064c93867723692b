package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.linux.UnixDatagram;
import dev.sennit.internal.machine.FolderOwner;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The packaged command runs the services of a file, and others speak to it. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class ServicesIT {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();
    private static final Pattern STARTED = Pattern.compile("\\S+ (\\S+) STARTED, pid (\\d+)");
    private static final Duration LONGEST = Duration.ofSeconds(60);

    @TempDir
    Path temp;

    private final Map<String, String> environment = new HashMap<>();
    private final List<Manager> managers = new ArrayList<>();

    /** A command that runs, and what it has said. */
    private static final class Manager {
        private final Process process;
        private final List<String> lines = new ArrayList<>();

        Manager(Process process) {
            this.process = process;
            Thread.ofPlatform().daemon().start(() -> read(process.getInputStream()));
            Thread.ofPlatform().daemon().start(() -> read(process.getErrorStream()));
        }

        private void read(InputStream stream) {
            new java.io.BufferedReader(new java.io.InputStreamReader(stream, StandardCharsets.UTF_8))
                    .lines()
                    .forEach(line -> {
                        synchronized (lines) {
                            lines.add(line);
                            lines.notifyAll();
                        }
                    });
        }

        List<String> lines() {
            synchronized (lines) {
                return List.copyOf(lines);
            }
        }

        /** Waits until so many lines have been of that kind. */
        void awaitLines(int count, Predicate<String> kind) throws InterruptedException {
            long end = System.nanoTime() + LONGEST.toNanos();
            synchronized (lines) {
                while (lines.stream().filter(kind).count() < count) {
                    long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                    assertThat(left).as("no such line among " + lines).isPositive();
                    lines.wait(left);
                }
            }
        }

        void await(String part) throws InterruptedException {
            awaitLines(1, line -> line.contains(part));
        }

        List<Long> pidsOf(String worker) {
            return lines().stream()
                    .map(STARTED::matcher)
                    .filter(found -> found.matches() && found.group(1).equals(worker))
                    .map(found -> Long.parseLong(found.group(2)))
                    .toList();
        }

        void signal(String name) throws Exception {
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO().start().waitFor();
        }

        int end() throws InterruptedException {
            assertThat(process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)).as("has ended: " + lines()).isTrue();
            return process.exitValue();
        }
    }

    private ProcessBuilder process(List<String> options, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dsennit.cache="));
        command.addAll(options);
        command.addAll(List.of("-jar", JAR.toString(), "services"));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command);
        builder.directory(temp.toFile());
        builder.environment().put("XDG_RUNTIME_DIR", temp.resolve("run").toString());
        return builder;
    }

    /** Runs a command in a process, which finds managers as the managers of these tests tell of themselves. */
    private int exitOfCommand(String... arguments) throws Exception {
        Process process = process(List.of(), arguments).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        try {
            assertThat(process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    private Manager start(String file, String... options) throws IOException {
        ProcessBuilder builder = process(List.of(options), file);
        builder.environment().putAll(environment);
        var manager = new Manager(builder.start());
        managers.add(manager);
        return manager;
    }

    private Manager startUp(String file, int workers) throws Exception {
        Manager manager = start(file);
        manager.awaitLines(workers, line -> line.contains(" READY"));
        return manager;
    }

    /** Asks the manager of a.toml. */
    private Run services(String command, String... arguments) {
        List<String> all = new ArrayList<>(List.of("services", command));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--file", temp.resolve("a.toml").toString()));
        return Run.sennit(all.toArray(String[]::new));
    }

    private void write(String text) throws IOException {
        Files.writeString(temp.resolve("a.toml"), text);
    }

    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
    }

    private static void await(String what, BooleanSupplier isSo) {
        long end = System.nanoTime() + LONGEST.toNanos();
        while (!isSo.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        List<Long> pids = new ArrayList<>();
        for (Manager one : managers) {
            one.process.destroyForcibly().waitFor();
            one.lines().stream().map(STARTED::matcher).filter(Matcher::matches).forEach(
                    found -> pids.add(Long.parseLong(found.group(2))));
        }
        await("all workers have ended", () -> pids.stream().noneMatch(ServicesIT::isAlive));
    }

    private static final String TICKER = """
            [services.migrate]
            command = ["sh", "-c", "echo migrated"]
            kind = "once"

            [services.tick]
            command = ["sh", "-c", "echo ticks; exec sleep 600"]
            after = ["migrate"]
            ready = { line = "ticks" }
            workers = 2
            """;

    @Test
    void runsTheServicesOfAFileAndAnswers() throws Exception {
        write(TICKER);
        Manager manager = startUp("a.toml", 2);
        List<String> lines = manager.lines();
        assertThat(
                lines.indexOf(lines.stream().filter(one -> one.contains("migrate(0) DONE")).findFirst().orElseThrow()))
                .isLessThan(lines.indexOf(
                        lines.stream().filter(one -> one.contains("tick(0) STARTED")).findFirst().orElseThrow()));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temp.resolve("a.toml.sock"))))
                .isEqualTo("rw-------");

        Run status = services("status");
        assertThat(status.exit()).as(status.err().toString()).isZero();
        assertThat(status.out().getFirst()).startsWith("a: up, pid " + manager.process.pid() + ", for ");
        assertThat(status.out()).anyMatch(line -> line.matches("tick +2 +2 +1 +up"))
                .anyMatch(line -> line.matches("tick\\(1\\) +ready +\\d+ .*"))
                .anyMatch(line -> line.matches("migrate\\(0\\) +stopped +- .*has done its work"));

        assertThat(services("scale", "tick", "1").exit()).isZero();
        assertThat(services("scale", "tick", "3").exit()).isZero();
        manager.await("tick(2) STARTED"); // the log may be behind the answer
        assertThat(manager.pidsOf("tick(0)")).hasSize(1);
        long killed = manager.pidsOf("tick(2)").getFirst();
        new ProcessBuilder("kill", "-9", Long.toString(killed)).start().waitFor();
        manager.awaitLines(2, line -> line.contains("tick(2) READY"));
        assertThat(services("status", "--json").out()).anyMatch(line -> line.startsWith("{\"worker\":\"tick(2)\"")
                && line.contains("\"restarts\":1")
                && line.contains("\"lastEnd\":\"was killed by signal 9 (SIGKILL)"));

        assertThat(services("restart", "tick").exit()).isZero();
        manager.awaitLines(2, line -> line.contains("tick(0) STARTED"));
        assertThat(manager.pidsOf("tick(0)")).hasSize(2);
        Run logs = services("logs", "migrate", "-n", "2");
        assertThat(logs.out()).hasSize(2).allMatch(line -> line.contains("migrate(0)"));

        Run stop = services("stop");
        assertThat(stop.err()).isEmpty();
        assertThat(stop.exit()).isZero();
        assertThat(manager.end()).isZero();
        assertThat(temp.resolve("a.toml.sock")).doesNotExist();
        try (Stream<Path> left = Files.walk(temp.resolve("run"))) {
            assertThat(left.filter(Files::isRegularFile)).isEmpty();
        }
        Run nobody = services("status");
        assertThat(nobody.exit()).isEqualTo(3);
        assertThat(nobody.err()).singleElement().asString().contains("do not run: sennit services ");
    }

    @Test
    void reloadsTheFileAndKeepsWhatRunsIfItIsWrong() throws Exception {
        write(TICKER);
        Manager manager = startUp("a.toml", 2);
        assertThat(services("scale", "tick", "3").exit()).isZero();
        write(TICKER.replace("workers = 2", "workers = two"));
        Run refused = services("reload");
        assertThat(refused.exit()).isEqualTo(2);
        manager.await("a.toml:9:");
        assertThat(manager.lines().stream().filter(line -> line.contains("a.toml:9:"))).hasSize(1);
        assertThat(services("reload", "tock").exit()).isEqualTo(2);
        assertThat(refused.err()).singleElement().asString().contains("the file is refused, what runs goes on: ")
                .contains("a.toml:9:");
        assertThat(manager.pidsOf("tick(0)")).hasSize(1);

        write(TICKER.replace("[services.migrate]", "[log]\nformat = \"json\"\n\n[services.migrate]"));
        assertThat(services("reload").err()).singleElement().asString()
                .contains("the file is refused, what runs goes on: ").contains("[log] cannot be changed by a reload");
        write(TICKER.replace("workers = 2", "workers = two\nwokers = 2").replace("two", "\"two\""));
        Run wrong = services("reload");
        assertThat(wrong.exit()).isEqualTo(2);
        assertThat(wrong.err()).hasSize(3);
        assertThat(wrong.err().getLast()).endsWith("the file is refused, what runs goes on: 2 problems");
        Path file = temp.resolve("a.toml");
        Path away = Files.move(file, temp.resolve("away.toml"));
        assertThat(exitOfCommand("status", "--file", "a.toml")).as("its file is gone, and it runs on").isZero();
        Files.move(away, file);

        write(TICKER + """

                [services.more]
                command = ["sleep", "600"]
                ready = { alive = "10ms" }
                """);
        assertThat(services("reload").err()).isEmpty();
        assertThat(manager.pidsOf("tick(0)")).hasSize(2);
        assertThat(manager.pidsOf("tick(2)")).as("was scaled, and the file says no other number").hasSize(2);
        assertThat(manager.pidsOf("more(0)")).hasSize(1);

        write("[services.more]\ncommand = [\"sleep\", \"600\"]\nready = { alive = \"10ms\" }\nworkers = 2\n");
        manager.signal("HUP");
        manager.awaitLines(3, line -> line.contains("manager: has reloaded") || line.contains("has not reloaded"));
        manager.awaitLines(2, line -> line.endsWith("manager: has reloaded"));
        assertThat(services("status").out()).noneMatch(line -> line.contains("tick("))
                .anyMatch(line -> line.startsWith("more(1)"));

        write("[services.more]\ncommand = [\"no-such-program\"]\nworkers = 2\n");
        Run broken = services("reload");
        assertThat(broken.exit()).isEqualTo(1);
        assertThat(broken.err()).singleElement().asString().contains("given up").contains("no-such-program");
        assertThat(services("status").exit()).as("the old serve on").isZero();
        manager.signal("TERM");
        assertThat(manager.end()).isZero();
    }

    @Test
    void aListenerIsClosedWhenNobodyNeedsItAndComesBackWithItsFile() throws Exception {
        new UserSources().with("com/acme/Page.java", """
                package com.acme;

                import dev.sennit.service.Service;
                import dev.sennit.service.ServiceWorker;

                public class Page implements Service {
                    @Override
                    public void run(ServiceWorker me) throws Exception {
                        me.awaitStop();
                    }
                }
                """).intoJar(temp.resolve("app.jar"));
        String without = """
                [services.page]
                class = "com.acme.%s"
                classpath = ["app.jar"]
                """;
        String with = "[listeners.web]\ntcp = \"127.0.0.1:0\"\n" + without.formatted("Page") + "listener = \"web\"\n";
        write(with);
        Manager manager = startUp("a.toml", 1);
        write(without.formatted("NoSuchPage"));
        assertThat(services("reload").exit()).isEqualTo(1);
        assertThat(listeners()).as("the old worker serves on").hasSize(1);
        write(with);
        assertThat(complaints(services("reload"))).isEmpty();
        write(with.replace(":0", ":1"));
        assertThat(complaints(services("reload"))).singleElement().asString()
                .contains("[listeners.web] cannot be changed by a reload");
        write(without.formatted("Page"));
        assertThat(complaints(services("reload"))).isEmpty();
        await("it is closed", () -> listeners().isEmpty());
        write(with.replace(":0", ":" + freePort()));
        assertThat(complaints(services("reload"))).as("nobody has it any more").isEmpty();
        assertThat(listeners()).hasSize(1);
        write("[queues.jobs]\ncapacity = 2\n" + without.formatted("Page").replace("app.jar", "gone.jar"));
        assertThat(complaints(services("reload"))).singleElement().asString().contains("gone.jar");
        write("[queues.jobs]\ncapacity = 3\n" + without.formatted("Page"));
        assertThat(complaints(services("reload"))).as("there is no such queue yet").isEmpty();
        manager.signal("TERM");
        assertThat(manager.end()).isZero();
    }

    /** Returns what a command has said on its standard error, without the lines that say what it waits for. */
    private static List<String> complaints(Run run) {
        return run.err().stream().filter(line -> !line.startsWith("waits for ")).toList();
    }

    private List<String> listeners() {
        return services("status", "--json").out().stream().filter(line -> line.startsWith("{\"listener\"")).toList();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void aCommandThatWaitsSaysForWhat() throws Exception {
        write("""
                [services.slow]
                command = ["sh", "-c", "sleep 7; echo up; exec sleep 600"]
                ready = { line = "up" }
                """);
        Manager manager = start("a.toml");
        manager.await("slow(0) STARTED");
        Run scaled = services("scale", "slow", "2"); // waits longer than a command does in silence
        assertThat(scaled.exit()).isZero();
        assertThat(scaled.err()).first().asString().startsWith("waits for slow(").contains(") STARTING: ");
        manager.signal("TERM");
        assertThat(manager.end()).isZero();
    }

    @Test
    void aManagerThatIsStoppedHoldsUpNoCommand() throws Exception {
        write(TICKER);
        Manager manager = startUp("a.toml", 2);
        manager.signal("STOP");
        Run status = services("status");
        manager.signal("CONT");
        assertThat(status.exit()).isEqualTo(1);
        assertThat(status.err()).singleElement().asString().contains("has not answered within 5 s");
        assertThat(services("stop").exit()).isZero();
        assertThat(manager.end()).isZero();
    }

    /** A command without a file would end the wrong services. */
    @Test
    void aManagerThatDoesNotAnswerMayBeTheOneThatIsMeant() throws Exception {
        write(TICKER);
        Manager manager = startUp("a.toml", 2);
        Path mute = temp.resolve("mute");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(mute));
            Thread.startVirtualThread(() -> {
                try {
                    while (true) {
                        server.accept().close();
                    }
                } catch (IOException e) {
                    // the test is over
                }
            });
            String entry = FolderOwner.namePrefix() + ProcessHandle.current().pid();
            Files.write(temp.resolve("run/sennit/services").resolve(entry), List.of("/srv/b.toml", mute.toString()));
            Manager command = start("stop");
            assertThat(command.end()).isEqualTo(2);
            assertThat(command.lines()).singleElement().asString()
                    .contains("name one by --file ", "/a.toml", " or /srv/b.toml");
        }
        manager.signal("TERM");
        assertThat(manager.end()).isZero();
    }

    @Test
    void theLastLinesOfAFloodAreAsManyAsAsked() throws Exception {
        write("[services.flood]\ncommand = [\"sh\", \"-c\", \"while :; do echo line; done\"]\n"
                + "ready = { line = \"line\" }\n");
        Manager manager = startUp("a.toml", 1);
        assertThat(services("logs", "-n", "5").out()).hasSize(5);
        assertThat(services("stop", "--now").exit()).isLessThan(2);
        manager.end();
    }

    @Test
    void anotherManagerIsRefusedAndADeadOnesSocketTakenOver() throws Exception {
        write(TICKER);
        Manager first = startUp("a.toml", 2);
        Manager second = start("a.toml");
        assertThat(second.end()).isEqualTo(3);
        assertThat(second.lines()).singleElement().asString()
                .contains("are run by process " + first.process.pid() + " already; sennit services stop --file ");
        assertThat(services("status").exit()).isZero();

        List<Long> workers = List.of(first.pidsOf("tick(0)").getFirst(), first.pidsOf("tick(1)").getFirst());
        first.process.destroyForcibly().waitFor();
        await("no worker outlives its manager", () -> workers.stream().noneMatch(ServicesIT::isAlive));
        assertThat(temp.resolve("a.toml.sock")).exists();
        Manager third = startUp("a.toml", 2);
        assertThat(services("status").out().getFirst()).contains("pid " + third.process.pid());
        assertThat(services("stop", "--now").exit()).isLessThan(2);
        third.end();
    }

    @Test
    void signalsAreObeyed() throws Exception {
        write("""
                [log]
                file = "log/all.log"

                [services.only]
                command = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"]
                ready = { line = "up" }
                stop-limit = "10m"
                """);
        Manager manager = start("a.toml");
        Path log = temp.resolve("log/all.log");
        await("it is up", () -> count(log, "only(0) READY") == 1);
        manager.signal("TTIN");
        await("there are two", () -> count(log, "only(1) READY") == 1);
        manager.signal("TTOU");
        await("one is to go", () -> count(log, "only(1) STOPPING") == 1);
        Files.move(log, temp.resolve("log/old.log"));
        manager.signal("USR1");
        await("a new log", () -> count(log, "the log was opened again") == 1);
        assertThat(count(temp.resolve("log/old.log"), "only(0) READY")).isEqualTo(1);
        manager.signal("INT");
        await("it stops", () -> count(log, "only(0) STOPPING") == 1);
        assertThat(manager.process.isAlive()).isTrue();
        manager.signal("INT");
        assertThat(manager.end()).as("workers were killed").isEqualTo(1);
        assertThat(count(log, "KILLED")).isEqualTo(2);
        assertThat(manager.lines()).isEmpty();
    }

    private static long count(Path file, String part) {
        try {
            return Files.exists(file)
                    ? Files.readAllLines(file).stream().filter(line -> line.contains(part)).count()
                    : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    @Test
    void aClassOfTheUsersRunsAndIsReplacedFromItsJar() throws Exception {
        Path jar = jarThatSays("first");
        write("""
                [queues.photos]
                capacity = 4

                [services.worker]
                class = "com.acme.Worker"
                classpath = ["app.jar"]
                """);
        Manager manager = startUp("a.toml", 1);
        manager.await("worker(0) out: first 4 true");
        Files.delete(jar);
        jarThatSays("second");
        assertThat(services("reload").err()).isEmpty();
        manager.await("worker(0) out: second 4 true");
        manager.signal("TERM");
        assertThat(manager.end()).isZero();
    }

    /** Picocli is the command's, and not the user's. */
    private Path jarThatSays(String word) throws Exception {
        return new UserSources().with("com/acme/Worker.java", """
                package com.acme;

                import dev.sennit.service.Service;
                import dev.sennit.service.ServiceWorker;
                import dev.sennit.shared.SharedQueue;

                public class Worker implements Service {
                    @Override
                    public void run(ServiceWorker me) throws Exception {
                        boolean isAlone;
                        try {
                            Class.forName("picocli.CommandLine");
                            isAlone = false;
                        } catch (ClassNotFoundException e) {
                            isAlone = true;
                        }
                        System.out.println("%s " + me.value("photos", SharedQueue.class).remainingCapacity() + " "
                                + isAlone);
                        me.awaitStop();
                    }
                }
                """.formatted(word)).intoJar(temp.resolve("app.jar"));
    }

    /** The socket is the first that is there of a manager; making the queues takes longer than the signal. */
    @Test
    void aManagerThatIsStoppedWhileItStartsLeavesNothing() throws Exception {
        var queues = new StringBuilder();
        for (int i = 0; i < 300; i++) {
            queues.append("[queues.q").append(i).append("]\ncapacity = 1\n");
        }
        write(queues + TICKER);
        Path socket = temp.resolve("a.toml.sock");
        for (int i = 0; i < 3; i++) {
            Manager manager = start("a.toml");
            await("the socket is there", () -> Files.exists(socket));
            manager.signal("TERM");
            assertThat(manager.end()).isZero();
            assertThat(socket).doesNotExist();
            assertThat(temp.resolve("run/sennit/services")).satisfiesAnyOf(
                    folder -> assertThat(folder).doesNotExist(), folder -> assertThat(folder).isEmptyDirectory());
        }
    }

    @Test
    void systemdIsTold() throws Exception {
        BlockingQueue<String> told = new LinkedBlockingQueue<>();
        try (var socket = UnixDatagram.bind(temp.resolve("notify"))) {
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    for (byte[] one = socket.receive(); one != null; one = socket.receive()) {
                        told.add(new String(one, StandardCharsets.UTF_8));
                    }
                } catch (IOException e) {
                    told.add("end");
                }
            });
            environment.put("NOTIFY_SOCKET", temp.resolve("notify").toString());
            environment.put("WATCHDOG_USEC", "400000");
            write(TICKER);
            Manager manager = startUp("a.toml", 2);
            awaitTold(told, "READY=1");
            awaitTold(told, "WATCHDOG=1");
            manager.signal("HUP");
            awaitTold(told, "RELOADING=1");
            awaitTold(told, "READY=1");
            manager.signal("STOP");
            manager.signal("CONT");
            awaitTold(told, "WATCHDOG=1");
            manager.signal("TERM");
            awaitTold(told, "STOPPING=1");
            assertThat(manager.end()).isZero();
        }
    }

    private static void awaitTold(BlockingQueue<String> told, String word) throws InterruptedException {
        String next = "";
        while (!next.startsWith(word)) {
            next = told.poll(LONGEST.toSeconds(), TimeUnit.SECONDS);
            assertThat(next).as("until " + word).isNotNull();
        }
    }

    @Test
    void whatIsNotTheProtocolHarmsNobody() throws Exception {
        write(TICKER);
        Manager manager = startUp("a.toml", 2);
        var address = UnixDomainSocketAddress.of(temp.resolve("a.toml.sock"));
        List<SocketChannel> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) { // they say nothing
                silent.add(SocketChannel.open(address));
            }
            for (String hostile : List.of("GET / HTTP/1.1\r\n\r\n", "\n", "sennit-services/1\n", "\0\t\t\n",
                    "sennit-services/1\tscale\ttick\tmany\n", "sennit-services/1\tlogs\tx\t\t\n",
                    "sennit-services/1\tlogs\t-1\t\t\n", "x".repeat(1 << 17))) {
                try (SocketChannel channel = SocketChannel.open(address)) {
                    ByteBuffer bytes = StandardCharsets.UTF_8.encode(hostile);
                    try {
                        while (bytes.hasRemaining()) {
                            channel.write(bytes);
                        }
                        channel.read(ByteBuffer.allocate(100));
                    } catch (IOException e) {
                        assertThat(hostile).as("is cut off").hasSizeGreaterThan(1 << 16);
                    }
                }
            }
            assertThat(services("status").exit()).isZero();
            assertThat(services("scale", "tick", "5000").err()).singleElement().asString()
                    .isEqualTo("sennit: workers must be from 0 to 1000, was 5000");
            assertThat(services("restart", "tock").exit()).isEqualTo(2);
            assertThat(services("logs", "tock").exit()).isEqualTo(2);
        } finally {
            for (SocketChannel one : silent) {
                one.close();
            }
        }
        assertThat(services("stop").exit()).isZero();
        assertThat(manager.end()).isZero();
    }

    @Test
    void logsAreFollowedUntilTheEnd() throws Exception {
        write(TICKER);
        Manager manager = startUp("a.toml", 2);
        List<Run> followed = new ArrayList<>();
        Thread follower =
                Thread.ofPlatform().start(() -> followed.add(services("logs", "tick", "--follow", "-n", "1")));
        assertThat(services("scale", "tick", "3").exit()).isZero();
        assertThat(services("stop").exit()).isZero();
        follower.join();
        assertThat(followed.getFirst().exit()).isZero();
        assertThat(followed.getFirst().out()).anyMatch(line -> line.contains("tick(2) READY"))
                .anyMatch(line -> line.contains("tick(2) STOPPED"));
        assertThat(manager.end()).isZero();
    }

    @Test
    void whatCannotStartIsOneLine() throws Exception {
        write("[log]\nfile = \"/dev/null/log\"\n[services.a]\ncommand = [\"true\"]\n");
        Manager noLog = start("a.toml");
        assertThat(noLog.end()).isEqualTo(3);
        assertThat(noLog.lines()).singleElement().asString()
                .startsWith("sennit: the log /dev/null/log cannot be written");
        write("[services.a]\ncomand = [\"true\"]\n");
        Run bad = Run.sennit("services", temp.resolve("a.toml").toString());
        assertThat(bad.exit()).isEqualTo(2);
        assertThat(bad.err()).anyMatch(line -> line.contains("did you mean command?"));
        write(TICKER);
        Manager noSignals = start("a.toml", "-Xrs");
        assertThat(noSignals.end()).isEqualTo(3);
        assertThat(noSignals.lines()).singleElement().asString().contains("signal HUP is not to be had", "-Xrs");
        write("[listeners.web]\nsystemd = \"web\"\n[services.a]\nclass = \"A\"\nclasspath = "
                + "[\".\"]\nlistener = \"web\"\n");
        Manager noSocket = start("a.toml");
        assertThat(noSocket.end()).isEqualTo(3);
        assertThat(noSocket.lines()).singleElement().asString().startsWith("sennit: ")
                .contains("FileDescriptorName=web");
        write("[queues.jobs]\ncapacity = 10\nmemory = \"1g\"\nallow = [\"no name\"]\n" + TICKER);
        Manager noQueue = start("a.toml");
        assertThat(noQueue.end()).isEqualTo(3);
        assertThat(noQueue.lines()).singleElement().asString().startsWith("sennit: queue jobs cannot be made: ");
        assertThat(temp.resolve("a.toml.sock")).doesNotExist();
        write("[services.a]\ncommand = [\"false\"]\nkind = \"once\"\ndeaths = { count = 1, then = \"exit\" }\n");
        Manager failed = start("a.toml");
        assertThat(failed.end()).isEqualTo(1);
        assertThat(temp.resolve("a.toml.sock")).doesNotExist();
    }

    /** Unix sockets of other files are not taken for a dead manager's. */
    @Test
    void aFileInPlaceOfTheSocketIsKept() throws Exception {
        write(TICKER);
        Files.writeString(temp.resolve("a.toml.sock"), "precious");
        Manager manager = start("a.toml");
        assertThat(manager.end()).isEqualTo(3);
        assertThat(Files.readString(temp.resolve("a.toml.sock"))).isEqualTo("precious");
    }
}
