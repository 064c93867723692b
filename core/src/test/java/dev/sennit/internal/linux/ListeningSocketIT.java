package dev.sennit.internal.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.Program;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.Linux;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class ListeningSocketIT {
    private static final int F_GETFD = 1;

    @TempDir
    Path folder;

    @Test
    void listensOnAFreePort() throws Exception {
        ListeningSocket socket = ListeningSocket.bind(local("127.0.0.1", 0), 8);
        var address = (InetSocketAddress) socket.address();
        assertThat(address.getPort()).isPositive();
        assertThat(address.getAddress()).isEqualTo(InetAddress.getByName("127.0.0.1"));
        assertThat(SystemCall.FCNTL.make(socket.descriptor(), F_GETFD, 0)).as("not inherited").isEqualTo(1);
        connect(address);
        socket.close();
        socket.close();
        assertThatThrownBy(() -> connect(address)).isInstanceOf(IOException.class);
    }

    @Test
    void listensOnIpv6AndThereOnIpv4Too() throws Exception {
        assumeTrue(Files.exists(Path.of("/proc/net/if_inet6")), "no IPv6 here");
        try (ListeningSocket one = ListeningSocket.bind(local("::1", 0), 8);
                ListeningSocket all = ListeningSocket.bind(local("::", 0), 8)) {
            assertThat(((InetSocketAddress) one.address()).getAddress()).isEqualTo(InetAddress.getByName("::1"));
            connect(one.address());
            connect(local("::1", port(all)));
            connect(local("127.0.0.1", port(all)));
            assertThat(all.name()).matches("\\[0:0:0:0:0:0:0:0]:0");
        }
    }

    /** Of a server whose port has connections that wait for late packets. */
    @Test
    void aPortIsTakenAgainAtOnce() throws Exception {
        InetSocketAddress address;
        try (var former = new ServerSocket(0, 8, InetAddress.getByName("127.0.0.1"));
                var client = new Socket(former.getInetAddress(), former.getLocalPort())) {
            address = local("127.0.0.1", former.getLocalPort());
            former.accept().close();
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
        try (var without = new ServerSocket()) {
            without.setReuseAddress(false);
            assertThatThrownBy(() -> without.bind(address)).as("a canary").isInstanceOf(BindException.class);
        }
        ListeningSocket.bind(address, 8).close();
    }

    @Test
    void messagesSayWhatWhereAndWhatToDo() throws Exception {
        try (ListeningSocket socket = ListeningSocket.bind(local("127.0.0.1", 0), 8)) {
            int port = port(socket);
            assertThatThrownBy(() -> ListeningSocket.bind(local("127.0.0.1", port), 8))
                    .isInstanceOf(IOException.class)
                    .hasMessage("cannot listen on 127.0.0.1:" + port + ": address already in use; stop what listens "
                            + "there (ss -ltnp sport = :" + port + " tells its process), or take another port");
        }
        assertThatThrownBy(() -> ListeningSocket.bind(local("203.0.113.7", 0), 8))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot listen on 203.0.113.7:0: no address of this machine; ip address tells which "
                        + "there are");
        assertThatThrownBy(() -> ListeningSocket.bind(InetSocketAddress.createUnresolved("nowhere", 1), 8))
                .isInstanceOf(IOException.class)
                .hasMessage("there is no host \"nowhere\": check its name");
        assertThatThrownBy(() -> ListeningSocket.bind(local("127.0.0.1", 0), 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("backlog must be >= 1, was 0");
        assertThatThrownBy(() -> ListeningSocket.bind(folder.resolve("none/s"), 8, true))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot listen on " + folder.resolve("none/s") + ": no such file or folder");
    }

    /** In a JVM of a user that may not: the tests may run as root. */
    @Test
    void aRefusedPermissionIsNamed() throws Exception {
        List<String> command = Program.command(
                List.of("--enable-native-access=ALL-UNNAMED"), Refused.class, folder.resolve("s").toString());
        if (System.getProperty("user.name").equals("root")) {
            assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")));
            // The class path of the tests may be in a folder that only root can enter: capabilities alone go.
            command.addAll(
                    0, List.of("setpriv", "--bounding-set=-dac_override,-net_bind_service", "--inh-caps=-all"));
        }
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-x------"));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            assertThat(process.inputReader().readAllAsString()).isEqualTo("""
                    cannot listen on 127.0.0.1:80: permission denied; take a port from 1024 on, or give this process \
                    CAP_NET_BIND_SERVICE
                    cannot listen on %s/s: permission denied; choose a folder in which user %s may write
                    """.formatted(folder, System.getProperty("user.name")));
        } finally {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
    }

    static final class Refused {
        public static void main(String[] arguments) throws Exception {
            try (var _ = ListeningSocket.bind(new InetSocketAddress("127.0.0.1", 80), 8)) {
                System.out.println("listens");
            } catch (IOException e) {
                System.out.println(e.getMessage());
            }
            try (var _ = ListeningSocket.bind(Path.of(arguments[0]), 8, true)) {
                System.out.println("listens");
            } catch (IOException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void aPathIsPrivateOnRequestAndGoesWithTheSocket() throws Exception {
        Path path = folder.resolve("s");
        try (ListeningSocket socket = ListeningSocket.bind(path, 8, true)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path))).isEqualTo("rw-------");
            assertThat(socket.address()).isEqualTo(UnixDomainSocketAddress.of(path));
            connect(socket.address());
        }
        assertThat(path).doesNotExist();
        try (var _ = ListeningSocket.bind(path, 8, false)) {
            assertThat(Files.getPosixFilePermissions(path)).hasSizeGreaterThan(2);
        }
        try (var socket = ListeningSocket.bind(path, 8, PosixFilePermissions.fromString("rw-rw-rw-"))) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .as("whatever the umask is").isEqualTo("rw-rw-rw-");
            connect(socket.address());
        }
    }

    @Test
    void aPathOnWhichItCannotListenIsLeftFree() {
        Path path = folder.resolve("s");
        Set<PosixFilePermission> impossible = new HashSet<>();
        impossible.add(null);
        assertThatThrownBy(() -> ListeningSocket.bind(path, 8, impossible)).isInstanceOf(NullPointerException.class);
        assertThat(path).doesNotExist();
    }

    @Test
    void theFileOfADeadServerIsReplaced() throws Exception {
        Path path = folder.resolve("s");
        try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(path));
        }
        assertThat(path).as("what a dead server leaves").exists();
        try (ListeningSocket socket = ListeningSocket.bind(path, 8, true)) {
            connect(socket.address());
        }
    }

    @Test
    void theFileOfALiveServerIsNot() throws Exception {
        Path path = folder.resolve("s");
        try (ListeningSocket _ = ListeningSocket.bind(path, 1, true)) {
            for (int i = 0; i < 5; i++) { // and then its backlog is full
                assertThatThrownBy(() -> ListeningSocket.bind(path, 8, true))
                        .isInstanceOf(IOException.class)
                        .hasMessage("cannot listen on " + path + ": address already in use; a process listens there: "
                                + "stop it, or take another path");
            }
            assertThat(path).exists();
        }
        Files.writeString(path, "mine");
        assertThatThrownBy(() -> ListeningSocket.bind(path, 8, true))
                .isInstanceOf(IOException.class)
                .hasMessageEndingWith("it is no socket, so it is kept: move it away, or take another path");
        assertThat(path).hasContent("mine");
    }

    @Test
    void aFileThatSomebodyElseHasMadeSinceStays() throws Exception {
        Path path = folder.resolve("s");
        ListeningSocket socket = ListeningSocket.bind(path, 8, true);
        Files.move(path, folder.resolve("before"));
        Files.writeString(path, "mine");
        socket.close();
        assertThat(path).hasContent("mine");
    }

    /** Many at once on the file of a dead server: exactly one gets the path, and keeps it. */
    @Test
    void oneOfManyTakesOver() throws Exception {
        Path path = folder.resolve("s");
        for (int round = 0; round < 50; round++) {
            try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                dead.bind(UnixDomainSocketAddress.of(path));
            }
            var go = new CountDownLatch(1);
            List<FutureTask<ListeningSocket>> all = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                var one = new FutureTask<>(() -> {
                    go.await();
                    return ListeningSocket.bind(path, 8, true);
                });
                all.add(one);
                Thread.ofPlatform().start(one);
            }
            go.countDown();
            List<ListeningSocket> taken = new ArrayList<>();
            for (var one : all) {
                try {
                    taken.add(one.get(30, TimeUnit.SECONDS));
                } catch (ExecutionException e) {
                    assertThat(e).hasMessageContaining("a process listens there");
                }
            }
            assertThat(taken).hasSize(1);
            connect(taken.getFirst().address());
            taken.getFirst().close();
        }
    }

    @Test
    void variablesOfAnotherProcessAreNotOurs() throws Exception {
        String own = Long.toString(ProcessHandle.current().pid());
        assertThat(ListeningSocket.ofSystemd(Map.of())).isEmpty();
        assertThat(ListeningSocket.ofSystemd(Map.of("LISTEN_FDS", "1", "LISTEN_PID", "1"))).isEmpty();
        assertThat(ListeningSocket.ofSystemd(Map.of("LISTEN_FDS", "1"))).isEmpty();
        assertThat(ListeningSocket.ofSystemd(Map.of("LISTEN_FDS", "0", "LISTEN_PID", own))).isEmpty();
        assertThatThrownBy(() -> ListeningSocket.ofSystemd(Map.of("LISTEN_FDS", "-1", "LISTEN_PID", own)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("LISTEN_FDS must be a number >= 0, was \"-1\"");
    }

    @Test
    void socketsAreTakenOverAsSystemdPassesThem() throws Exception {
        String said = AsSystemd.outputOf(Adopter.class, "web::plain", 3);
        assertThat(said.lines().toList()).containsExactly(
                "web on TCP, close on exec 1, a client is waiting",
                "unknown on TCP, close on exec 1, a client is waiting",
                "cannot take over descriptor 5 (plain) of systemd: no socket");
    }

    @Test
    void systemdsOwnCommandPassesThem() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/systemd-socket-activate")), "it is not installed");
        Path path = folder.resolve("s");
        List<String> command = new ArrayList<>(
                List.of("/usr/bin/systemd-socket-activate", "-l", path.toString(), "--fdname=control"));
        command.addAll(adopter());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (SocketChannel _ = connectOnceThere(path)) { // it starts the program for the first client
            assertThat(process.inputReader().readAllAsString())
                    .contains("control on " + path + ", close on exec 1, a client is waiting");
        } finally {
            process.destroyForcibly();
        }
    }

    private static SocketChannel connectOnceThere(Path path) {
        var connected = new SocketChannel[1];
        Conditions.await("systemd's command listens").until(() -> {
            try {
                connected[0] = SocketChannel.open(UnixDomainSocketAddress.of(path));
                return true;
            } catch (IOException e) {
                return false;
            }
        });
        return connected[0];
    }

    private static List<String> adopter() {
        return Program.command(List.of("--enable-native-access=ALL-UNNAMED"), Adopter.class);
    }

    static final class Adopter {
        public static void main(String[] arguments) throws Exception {
            Map<String, String> environment = System.getenv();
            int count = Integer.parseInt(environment.get("LISTEN_FDS"));
            List<ListeningSocket> sockets;
            String problem = "";
            try {
                sockets = ListeningSocket.ofSystemd(environment);
            } catch (IOException e) {
                problem = e.getMessage();
                var fewer = new HashMap<>(environment);
                fewer.put("LISTEN_FDS", Integer.toString(count - 1));
                sockets = ListeningSocket.ofSystemd(fewer);
            }
            for (ListeningSocket socket : sockets) {
                SocketAddress address = socket.address();
                long flag = SystemCall.FCNTL.make(socket.descriptor(), F_GETFD, 0);
                long client = SystemCall.ACCEPT4.make(socket.descriptor(), 0, 0);
                System.out.println(socket.name() + " on " + (address instanceof InetSocketAddress ? "TCP" : address)
                        + ", close on exec " + flag + ", a client is " + (client > 0 ? "waiting" : "missing"));
                Linux.close((int) client);
                socket.close();
            }
            System.out.print(problem.isEmpty() ? "" : problem + "\n");
        }
    }

    private static InetSocketAddress local(String host, int port) throws IOException {
        return new InetSocketAddress(InetAddress.getByName(host), port);
    }

    private static int port(ListeningSocket socket) {
        return ((InetSocketAddress) socket.address()).getPort();
    }

    private static void connect(SocketAddress address) throws IOException {
        try (SocketChannel client = SocketChannel.open(address)) {
            assertThat(client.isConnected()).isTrue();
        }
    }
}
