package dev.sennit.testing.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.internal.machine.ProcessIdentity;
import dev.sennit.process.WorkerProcesses;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every kind of server shares, with PostgreSQL, which has the most processes. */
class TestServerIT {
    /** Runs an SQL command with the server's own client, which finds the server by its environment. */
    private static String psql(TestServer server, String sql) throws Exception {
        var builder = new ProcessBuilder("psql", "-XAtqc", sql).redirectErrorStream(true);
        builder.environment().putAll(server.environment());
        Process psql = builder.start();
        var output = new String(psql.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(psql.waitFor()).as(output).isZero();
        return output.strip();
    }

    /** The processes of a server, and those that look after it. A number may be another process's later. */
    static List<Long> familyOf(Path folder) {
        return ProcessHandle.allProcesses()
                .filter(process -> process.info().commandLine().orElse("").contains(folder.toString()))
                .flatMap(process -> Stream.concat(Stream.of(process), process.descendants()))
                .map(ProcessHandle::pid)
                .distinct()
                .flatMap(TestServerIT::identity)
                .toList();
    }

    private static Stream<Long> identity(long pid) {
        try {
            return Stream.of(ProcessIdentity.of(pid));
        } catch (IllegalStateException e) { // it has ended meanwhile
            return Stream.of();
        }
    }

    static void assertEnded(List<Long> family) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(family).noneMatch(ProcessIdentity::isAlive));
    }

    /** Starts a program as a worker is started, so that this works on the module path and on the class path. */
    private static Process start(Class<?> main, Path folder, String... options) throws IOException {
        // For the user as which PostgreSQL runs if this one is root.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        List<String> arguments = WorkerProcesses.arguments(main);
        arguments.removeIf(argument -> argument.startsWith("-Djava.io.tmpdir="));
        List<String> command = new ArrayList<>(WorkerProcesses.write(arguments, folder.resolve("arguments")));
        command.add(1, "-Djava.io.tmpdir=" + Files.createDirectory(folder.resolve("temporary")));
        command.addAll(1, List.of(options));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    @Test
    void aServerKeepsItsPortAndItsDataWhenItIsStoppedAndKilled() throws Exception {
        Path folder;
        List<Long> family;
        try (TestServer server = Installed.server(ServerKind.POSTGRESQL).configuration("max_connections = 17").open()) {
            folder = server.folder();
            assertThat(server.isRunning()).isTrue();
            assertThat(server.toString()).isEqualTo("postgresql at 127.0.0.1:" + server.port() + ", running");
            assertThat(server.uri().toString())
                    .matches("postgresql://sennit:[0-9a-f]{24}@127\\.0\\.0\\.1:" + server.port() + "/postgres");
            assertThat(psql(server, "show max_connections")).isEqualTo("17");
            assertThat(psql(server, "show fsync")).isEqualTo("on");
            Loopback.ensureAlone(server);
            psql(server, "create table kept (value int); insert into kept values (1)");
            int port = server.port();

            server.stop();
            assertThat(server.isRunning()).isFalse();
            assertThat(server).hasToString("postgresql at 127.0.0.1:" + port + ", stopped");
            assertThat(server.log().getLast()).contains("database system is shut down");
            server.stop();
            assertThatThrownBy(server::suspend).isInstanceOf(IllegalStateException.class);

            server.start();
            psql(server, "insert into kept values (2)");
            server.kill();
            assertThat(server.isRunning()).isFalse();

            server.start();
            assertThat(server.port()).isEqualTo(port);
            assertThat(psql(server, "select count(*) from kept")).isEqualTo("2");
            assertThat(String.join("\n", server.log())).contains("automatic recovery in progress");
            family = familyOf(folder);
            assertThat(family).hasSizeGreaterThan(3);
        }
        assertThat(folder).doesNotExist();
        assertEnded(family);
    }

    @Test
    void aSuspendedServerKeepsConnectionsAndDoesNotAnswer() throws Exception {
        try (TestServer server = Installed.server(ServerKind.POSTGRESQL).fsync(false).open()) {
            assertThat(psql(server, "show fsync")).isEqualTo("off");
            server.suspend();
            server.suspend();
            assertThat(server.toString()).endsWith(", suspended");
            try (var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), server.port())) {
                socket.setSoTimeout(300);
                socket.getOutputStream().write(new byte[] {0, 0, 0, 8, 4, (byte) 0xd2, 0x16, 0x2f}); // a wish for TLS
                assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
                server.resume();
                socket.setSoTimeout(30_000);
                assertThat(socket.getInputStream().read()).isEqualTo('N');
            }
            assertThat(psql(server, "select 1")).isEqualTo("1");

            server.suspend();
            server.stop(); // which ends a suspended one, too
            server.start();
            server.suspend();
        }
    }

    /** PostgreSQL knows by a few bytes of System V memory that nobody uses its data. */
    @Test
    void aKilledServerLeavesNoMemory() throws Exception {
        Path table = Path.of("/proc/sysvipc/shm");
        Assumptions.assumeTrue(Files.isReadable(table), "the system does not tell of such memory");
        String key;
        try (TestServer server = Installed.server(ServerKind.POSTGRESQL).fsync(false).open()) {
            key = Files.readAllLines(server.folder().resolve("data/postmaster.pid")).get(6).strip().split(" +")[0];
            server.kill();
            assertThat(keys(table)).contains(key);
        }
        assertThat(keys(table)).doesNotContain(key);
    }

    private static List<String> keys(Path table) throws IOException {
        return Files.readAllLines(table).stream().map(line -> line.strip().split(" +")[0]).toList();
    }

    @Test
    void aPortThatIsTakenIsSaid() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            assertThatThrownBy(() -> Installed.server(ServerKind.POSTGRESQL).port(taken.getLocalPort()).open())
                    .isInstanceOf(IOException.class)
                    .hasMessage("PostgreSQL cannot start: port " + taken.getLocalPort() + " of 127.0.0.1 is taken by"
                            + " another process; end that, or use another port");
        }
    }

    @Test
    void aServerThatDoesNotStartLeavesNothingAndSaysWhy(@TempDir Path folder) throws Exception {
        Installed.server(ServerKind.POSTGRESQL);
        Process program = start(Starting.class, folder, "-Dconfiguration=nonsense = 3");
        assertThat(new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip())
                .startsWith("PostgreSQL at 127.0.0.1:")
                .contains("has ended while it started, with exit code 1; its log says: ")
                .contains("unrecognized configuration parameter \"nonsense\"")
                .hasLineCount(1);
        assertThat(program.waitFor()).isZero();
        assertThat(folder.resolve("temporary")).isEmptyDirectory();
    }

    @Test
    void aServerThatIsNotInstalledSaysWhatToInstall(@TempDir Path folder) throws Exception {
        Process program = start(Starting.class, folder, "-Dsennit.servers.path=" + folder);
        assertThat(new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip())
                .isEqualTo("initdb and postgres are not installed: apt-get install postgresql");
        assertThat(program.waitFor()).isZero();
        assertThat(folder.resolve("temporary")).isEmptyDirectory();
    }

    @Test
    void nothingIsLeftWhenTheJvmIsKilled(@TempDir Path folder) throws Exception {
        Installed.server(ServerKind.POSTGRESQL);
        Process parent = start(Parent.class, folder);
        try {
            Path opened = Path.of(parent.inputReader().readLine());
            List<Long> family = familyOf(opened);
            assertThat(family).hasSizeGreaterThan(3);
            assertThat(opened).isDirectory();
            parent.destroyForcibly().waitFor();
            assertEnded(family);
            assertThat(folder.resolve("temporary")).isEmptyDirectory();
        } finally {
            parent.destroyForcibly();
        }
    }

    /** Tries to open a server, and prints why it cannot. */
    static final class Starting {
        public static void main(String[] arguments) throws InterruptedException {
            try (TestServer server =
                    TestServer.postgresql().configuration(System.getProperty("configuration", "")).open()) {
                System.out.println(server);
            } catch (IOException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    /** Opens a server, suspends it, so that no end that is asked for comes, and never closes it. */
    static final class Parent {
        public static void main(String[] arguments) throws Exception {
            TestServer server = TestServer.postgresql().open();
            server.suspend();
            System.out.println(server.folder());
            new CountDownLatch(1).await();
        }
    }
}
