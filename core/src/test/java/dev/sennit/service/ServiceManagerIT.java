package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Backoff;
import dev.sennit.TaskSerializationException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Services in real processes: JVMs and commands. */
@Timeout(120)
class ServiceManagerIT {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final ServiceManager manager =
            ServiceManager.create("test", ServiceLog.to(written, ServiceLog.Format.TEXT));
    private final List<ServiceEvent> events = Collections.synchronizedList(new ArrayList<>());

    ServiceManagerIT() {
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                events.add(event);
            }
        });
    }

    @AfterEach
    void nothingIsLeft() {
        manager.close();
        for (ServiceEvent event : List.copyOf(events)) {
            if (event.pid() != 0) {
                assertThat(ProcessHandle.of(event.pid()).filter(ProcessHandle::isAlive)).as("%s", event).isEmpty();
            }
        }
    }

    private void start(ServiceSettings.Builder... all) throws IOException {
        for (ServiceSettings.Builder one : all) {
            manager.add(one.build());
        }
        manager.start();
        manager.whenUp().join();
    }

    private String log() {
        return written.toString(StandardCharsets.UTF_8);
    }

    private SlotStatus status(int id) {
        return manager.status().stream().filter(one -> one.id() == id).findFirst().orElseThrow();
    }

    /** Waits until a worker is ready that has another process. */
    private SlotStatus awaitOther(int id, long pid) {
        while (true) {
            SlotStatus now = status(id);
            if (now.state() == SlotState.READY && now.pid() != pid) {
                return now;
            }
            Thread.onSpinWait();
        }
    }

    private static ServiceSettings.Builder service(Service service) {
        return SmallServices.of("printer", service);
    }

    @Test
    void aLambdaRunsInAsManyProcessesAndStopsWhenAsked() throws Exception {
        start(service(me -> {
            System.out.println("prints as " + me.name() + " " + me.id() + " " + me.generation());
            me.awaitStop();
            System.err.println("stops, with time left: " + me.timeLeft().orElseThrow().isPositive());
        }).workers(2));
        assertThat(manager.status()).extracting(SlotStatus::pid).doesNotHaveDuplicates()
                .doesNotContain(0L, ProcessHandle.current().pid());
        assertThat(manager.shutdown().get()).isZero();
        assertThat(log())
                .contains(" printer(0) out: prints as printer 0 1\n", " printer(1) out: prints as printer 1 1\n")
                .contains(" printer(0) err: stops, with time left: true\n", " printer(1) STOPPED: exited with code 0");
    }

    @Test
    void whatCannotTravelIsRefusedAtOnce() {
        Thread here = Thread.currentThread();
        assertThatThrownBy(() -> manager.add(service(me -> here.join()).build()))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("task printer cannot travel to a worker process")
                .hasMessageContaining("java.lang.Thread");
        assertThat(manager.services()).isEmpty();
    }

    @Test
    void aWorkerThatIsKilledComesBackUnderItsNumber() throws Exception {
        start(service(ServiceWorker::awaitStop).workers(2));
        SlotStatus killed = status(1);
        SlotStatus other = status(0);
        ProcessHandle.of(killed.pid()).orElseThrow().destroyForcibly();
        SlotStatus back = awaitOther(1, killed.pid());
        assertThat(back.restarts()).isEqualTo(1);
        assertThat(status(0).pid()).isEqualTo(other.pid());
        assertThat(back.lastEnd()).contains("signal 9");
    }

    @Test
    void anExceptionIsToldInOneLineAndTheWorkerTriedAgain() throws Exception {
        manager.add(service(me -> {
            throw new IllegalStateException("no paper");
        }).deaths(2, Duration.ofMinutes(1), Escalation.FAIL).backoff(Backoff.none()).build());
        manager.start();
        assertThat(manager.awaitEnd()).isEqualTo(1);
        assertThat(events).extracting(ServiceEvent::kind).contains(ServiceEvent.Kind.FAILED);
        assertThat(log()).contains("no paper").contains("2 processes died within 60 s");
    }

    @Test
    void aWorkerThatDoesNotStopIsKilledAndTheExitCodeTellsIt() throws Exception {
        start(new Stubborn().settings().stopLimit(Duration.ofMillis(300)));
        assertThat(manager.shutdown().get()).isEqualTo(1);
        assertThat(events.getLast().kind()).isEqualTo(ServiceEvent.Kind.KILLED);
    }

    /** Heeds nothing. */
    private static final class Stubborn implements Service {
        private static final long serialVersionUID = 1L;

        ServiceSettings.Builder settings() {
            return service(this);
        }

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            new CountDownLatch(1).await();
        }

        @Override
        public void terminate(ServiceWorker me) {}
    }

    @Test
    void aStoppedWorkerIsFoundByItsHeartbeatAndReplaced() throws Exception {
        start(service(ServiceWorker::awaitStop).heartbeatLimit(Duration.ofSeconds(1)));
        long stopped = status(0).pid();
        new ProcessBuilder("kill", "-STOP", Long.toString(stopped)).start().waitFor();
        awaitOther(0, stopped);
        manager.shutdown().get(); // after which all events have been told
        assertThat(events).anyMatch(event -> event.why().equals("gave no heartbeat for 1 s"));
    }

    @Test
    void aServiceThatBeatsItselfIsMeasuredByItsOwnBeats() throws Exception {
        start(service(me -> {
            me.heartbeat();
            me.awaitStop();
        }).heartbeatLimit(Duration.ofMillis(500)));
        awaitOther(0, status(0).pid());
        manager.shutdown().get();
        assertThat(events).anyMatch(event -> event.why().equals("gave no heartbeat for 500 ms"));
    }

    @Test
    void aWorkerIsReplacedAfterItsWork() throws Exception {
        start(service(me -> {
            while (!me.isStopping()) {
                me.worked(10);
                me.awaitStop(Duration.ofMillis(10));
            }
        }).maxWork(100));
        SlotStatus second = awaitOther(0, status(0).pid());
        assertThat(second.restarts()).isZero();
        assertThat(second.replacements()).isEqualTo(1);
    }

    @Test
    void aWorkerThatHoldsTooMuchMemoryIsReplaced() throws Exception {
        start(service(me -> {
            byte[][] much = new byte[me.generation() == 1 ? 200 : 1][];
            for (int i = 0; i < much.length; i++) {
                much[i] = new byte[1 << 20];
            }
            me.awaitStop();
        }).heap("256m").maxMemory("150m"));
        SlotStatus next = awaitOther(0, status(0).pid());
        assertThat(next.why()).startsWith("has taken the place");
        assertThat(next.replacements()).isEqualTo(1);
    }

    @Test
    void aSpareTakesThePlaceOfOneThatDied() throws Exception {
        start(service(ServiceWorker::awaitStop).spares(1));
        long first = status(0).pid();
        ProcessHandle.of(first).orElseThrow().destroyForcibly();
        SlotStatus second = awaitOther(0, first);
        ProcessHandle.of(second.pid()).orElseThrow().destroyForcibly();
        awaitOther(0, second.pid());
    }

    @Test
    void aServiceReloadsInPlace() throws Exception {
        start(service(new Reloading()).reloadInPlace(true));
        long pid = status(0).pid();
        manager.reload().get();
        while (!log().contains("read the configuration again")) {
            Thread.onSpinWait();
        }
        assertThat(status(0).pid()).isEqualTo(pid);
    }

    private static final class Reloading implements Service {
        private static final long serialVersionUID = 1L;

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            me.awaitStop();
        }

        @Override
        public void reload(ServiceWorker me) {
            System.out.println("read the configuration again");
        }
    }

    // ---- class paths ----

    /** A jar with a service that prints a text. */
    private static void writeJar(Path jar, String text) throws Exception {
        Path folder = Files.createTempDirectory(jar.getParent(), "build");
        Path source = folder.resolve("Printing.java");
        Files.writeString(source, """
                public class Printing implements dev.sennit.service.Service {
                    public void run(dev.sennit.service.ServiceWorker me) throws Exception {
                        System.out.println("%s");
                        me.awaitStop();
                        System.out.println(Late.TEXT);
                    }
                    static class Late { static final String TEXT = new String("late %s"); }
                }
                """.formatted(text, text));
        Process javac = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "javac").toString(),
                "-proc:none", "-cp", library().toString(), "-d", folder.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(javac.waitFor()).isZero();
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String file : List.of("Printing.class", "Printing$Late.class")) {
                out.putNextEntry(new ZipEntry(file));
                out.write(Files.readAllBytes(folder.resolve(file)));
                out.closeEntry();
            }
        }
    }

    private static Path library() throws Exception {
        return Path.of(ServiceManager.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    @Test
    void aJarMayBeOverwrittenWhileItRuns(@TempDir Path folder) throws Exception {
        Path jar = folder.resolve("my app.jar");
        writeJar(jar, "one");
        start(SmallServices.small(ServiceSettings.ofClass("printer", "Printing").classPath(jar, library())));
        while (!log().contains(" out: one\n")) {
            Thread.onSpinWait();
        }
        writeJar(jar, "two");
        manager.reload().get();
        while (!log().contains(" out: late one\n") || !log().contains(" out: two\n")) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aBrokenJarIsGivenUpAndTheOldServesOn(@TempDir Path folder) throws Exception {
        Path jar = folder.resolve("app.jar");
        writeJar(jar, "one");
        start(SmallServices.small(ServiceSettings.ofClass("printer", "Printing").classPath(jar, library())).workers(2));
        List<Long> pids = manager.status().stream().map(SlotStatus::pid).toList();
        Files.write(jar, new byte[] {1, 2, 3});
        assertThatThrownBy(() -> manager.reload().get())
                .hasMessageContaining("generation 2 of service printer was given up, the former goes on: worker 0 ")
                .hasMessageContaining("Printing, which is not on its class path");
        assertThat(manager.status()).extracting(SlotStatus::pid).isEqualTo(pids);
        Files.delete(jar);
        assertThatThrownBy(() -> manager.reload())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("there is no " + jar);
    }

    // ---- commands beside them ----

    @Test
    void commandsAndJavaServicesStandInOneOrder() throws Exception {
        start(
                ServiceSettings.ofCommand("prepare", "sh", "-c", "echo prepared").kind(ServiceKind.ONCE),
                service(ServiceWorker::awaitStop).after("prepare"),
                ServiceSettings.ofCommand("ticker", "sh", "-c", "echo up; exec sleep 100")
                        .after("printer")
                        .readiness(new Readiness.Line(Pattern.compile("^up$"))));
        assertThat(manager.shutdown().get()).isZero();
        assertThat(events).extracting(event -> event.kind() + " " + event.service()).containsSubsequence(
                "DONE prepare", "STARTED printer", "READY printer", "STARTED ticker", "READY ticker");
    }
}
