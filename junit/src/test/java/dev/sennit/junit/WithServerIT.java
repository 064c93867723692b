package dev.sennit.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The annotation as a user writes it: classes that a launcher runs, as JUnit does not find them here. */
class WithServerIT {
    private static final String OPTIONAL = "sennit.servers.optional";
    private static final String PLACES = "sennit.servers.path";

    /** What the classes below have got. */
    private static final List<TestServer> GOT = new ArrayList<>();

    private String optional;

    @BeforeEach
    void forgetOthers() {
        optional = System.getProperty(OPTIONAL);
        if (Boolean.parseBoolean(optional)) {
            Assumptions.assumeTrue(ServerKind.REDIS.isInstalled(), () -> ServerKind.REDIS.obstacle().orElseThrow());
        }
        GOT.clear();
    }

    @AfterEach
    void asBefore() {
        System.clearProperty(PLACES);
        if (optional == null) {
            System.clearProperty(OPTIONAL);
        } else {
            System.setProperty(OPTIONAL, optional);
        }
    }

    private static String ask(TestServer redis, String command) throws IOException {
        try (var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), redis.port())) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write((command + "\r\nQUIT\r\n").getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                    .replace("+OK\r\n", "").strip();
        }
    }

    @WithServer(value = ServerKind.REDIS, configuration = "maxmemory 13mb", fsync = false)
    @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
    static final class OfTheClass {
        @BeforeAll
        static void prepare(TestServer redis) throws IOException {
            GOT.add(redis);
            ask(redis, "SET kept 1");
        }

        OfTheClass(TestServer redis) {
            GOT.add(redis);
        }

        @Test
        @Order(1)
        void killsIt(TestServer redis) throws Exception {
            GOT.add(redis);
            assertThat(ask(redis, "CONFIG GET maxmemory")).endsWith("13631488");
            redis.kill();
        }

        @Test
        @Order(2)
        void findsItRunningWithItsData(TestServer redis) throws Exception {
            assertThat(ask(redis, "INCR kept")).isEqualTo(":2");
            redis.suspend();
        }

        @Test
        @Order(3)
        void findsItAwake(TestServer redis) throws Exception {
            assertThat(ask(redis, "INCR kept")).isEqualTo(":3");
        }

        @Nested
        class Inside {
            @Test
            void hasTheSame(TestServer redis) {
                GOT.add(redis);
            }
        }
    }

    @WithServer(value = ServerKind.REDIS, fsync = false)
    static final class AnotherClass {
        @Test
        void hasItsOwn(TestServer redis) throws IOException {
            GOT.add(redis);
            assertThat(ask(redis, "EXISTS kept")).isEqualTo(":0");
        }
    }

    @WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
    static final class Sharing {
        @Test
        void has(TestServer redis) {
            GOT.add(redis);
        }
    }

    @WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
    static final class SharingToo {
        @Test
        void has(@WithServer(ServerKind.REDIS) TestServer redis) {
            GOT.add(redis);
        }
    }

    @WithServer(value = ServerKind.REDIS, fsync = false)
    static final class Unclear {
        @Test
        void hasNoSuch(@WithServer(ServerKind.RABBITMQ) TestServer rabbit) {}
    }

    /** What a launcher says of the classes: how each test ended, and why. */
    private static Map<String, String> results(Class<?>... classes) {
        return results(LauncherFactory.create(), classes);
    }

    private static Map<String, String> results(Launcher launcher, Class<?>... classes) {
        Map<String, String> results = new TreeMap<>();
        launcher.execute(
                LauncherDiscoveryRequestBuilder.request()
                        .selectors(Stream.of(classes).map(type -> selectClass(type)).toList())
                        .build(),
                new TestExecutionListener() {
                    @Override
                    public void executionSkipped(TestIdentifier test, String reason) {
                        results.put(test.getDisplayName(), "skipped: " + reason);
                    }

                    @Override
                    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                        if (test.isTest() || result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
                            results.put(
                                    test.getDisplayName(),
                                    result.getThrowable()
                                            .map(thrown -> "failed: " + thrown.getMessage())
                                            .orElse("passed"));
                        }
                    }
                });
        return results;
    }

    @Test
    void aClassHasOneServerWhichIsRepairedBeforeEachTest() {
        assertThat(results(OfTheClass.class, AnotherClass.class)).isEqualTo(Map.of(
                "killsIt(TestServer)", "passed",
                "findsItRunningWithItsData(TestServer)", "passed",
                "findsItAwake(TestServer)", "passed",
                "hasTheSame(TestServer)", "passed",
                "hasItsOwn(TestServer)", "passed"));
        List<TestServer> different = GOT.stream().distinct().toList();
        assertThat(different).hasSize(2);
        assertThat(different).allSatisfy(server -> {
            assertThat(server.toString()).endsWith(", closed");
            assertThat(server.folder()).doesNotExist();
        });
    }

    @Test
    void classesThatShareHaveTheSame() {
        assertThat(results(Sharing.class, SharingToo.class).values()).containsOnly("passed");
        assertThat(GOT).hasSize(2);
        assertThat(GOT.getFirst()).isSameAs(GOT.getLast());
        assertThat(GOT.getFirst().toString()).endsWith(", closed");
    }

    /** As Surefire runs them in several JVMs: each class by itself. */
    @Test
    void classesThatShareHaveTheSameInAllExecutionsOfASession() {
        try (LauncherSession session = LauncherFactory.openSession()) {
            assertThat(results(session.getLauncher(), Sharing.class)).containsValue("passed");
            assertThat(GOT.getFirst().isRunning()).isTrue();
            assertThat(results(session.getLauncher(), SharingToo.class)).containsValue("passed");
        }
        assertThat(GOT).hasSize(2);
        assertThat(GOT.getFirst()).isSameAs(GOT.getLast());
        assertThat(GOT.getFirst().toString()).endsWith(", closed");
    }

    @Test
    void aParameterWithoutAServerSaysWhatIsMissing() {
        assertThat(results(Unclear.class).get("hasNoSuch(TestServer)"))
                .contains("among those of its class (redis): add @WithServer(ServerKind.RABBITMQ) to the class");
    }

    @Test
    void aServerThatIsNotInstalledFailsItsTestsUnlessItIsOptional(@TempDir Path empty) {
        System.setProperty(PLACES, empty.toString());
        String why = "redis-server is not installed: apt-get install redis-server";
        System.clearProperty(OPTIONAL);
        assertThat(results(AnotherClass.class)).isEqualTo(Map.of("WithServerIT$AnotherClass", "failed: " + why));

        System.setProperty(OPTIONAL, "true");
        assertThat(results(AnotherClass.class)).isEqualTo(Map.of("WithServerIT$AnotherClass", "skipped: " + why));
        assertThat(GOT).isEmpty();
    }
}
