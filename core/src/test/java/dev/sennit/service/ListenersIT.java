package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TimeSource;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.linux.AsSystemd;
import dev.sennit.internal.machine.FolderOwner;
import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.SharedQueue;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Services that accept connections, with titles and values, in real processes. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class ListenersIT {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private ServiceManager manager = manager(new Listeners());

    private ServiceManager manager(Listeners listeners) {
        return ServiceManager.create("shop", ServiceLog.to(written, ServiceLog.Format.TEXT), listeners);
    }

    @AfterEach
    void close() {
        manager.close();
        assertThat(manager.listeners()).isEmpty();
    }

    private String log() {
        return written.toString(StandardCharsets.UTF_8);
    }

    /** Tells each client its process, after a moment: so there is always one to be drained. */
    private static final Service TELLER = me -> {
        try (ExecutorService connections = Executors.newVirtualThreadPerTaskExecutor()) {
            for (SocketChannel next = me.accept(); next != null; next = me.accept()) {
                SocketChannel client = next;
                connections.submit(() -> {
                    try (client) {
                        ByteBuffer asked = ByteBuffer.allocate(1);
                        client.read(asked);
                        client.write(ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes()));
                    }
                    return null;
                });
            }
        }
    };

    private static ServiceSettings.Builder teller() {
        return SmallServices.of("teller", TELLER).listener("web");
    }

    private void start(ServiceSettings.Builder... all) throws IOException {
        for (ServiceSettings.Builder one : all) {
            manager.add(one.build());
        }
        manager.start();
        manager.whenUp().join();
    }

    /** Returns the process that has answered. */
    private static long ask(SocketAddress address) throws IOException {
        try (SocketChannel channel = SocketChannel.open(address)) {
            channel.write(ByteBuffer.wrap(new byte[] {'?'}));
            ByteBuffer answer = ByteBuffer.allocate(20);
            while (channel.read(answer) >= 0) {
                // until the end
            }
            String text = new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
            if (text.isEmpty()) {
                throw new IOException("no answer");
            }
            return Long.parseLong(text);
        }
    }

    private Set<Long> pids() {
        Set<Long> pids = new HashSet<>();
        manager.status().forEach(one -> pids.add(one.pid()));
        return pids;
    }

    /** Clients that never rest. */
    private static final class Clients implements AutoCloseable {
        private final AtomicBoolean isOver = new AtomicBoolean();
        private final AtomicInteger answers = new AtomicInteger();
        private final AtomicInteger failures = new AtomicInteger();
        private final AtomicReference<Exception> first = new AtomicReference<>();
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

        Clients(int count, SocketAddress address) {
            for (int i = 0; i < count; i++) {
                threads.submit(() -> {
                    while (!isOver.get()) {
                        try {
                            assertThat(ask(address)).isPositive();
                            answers.incrementAndGet();
                        } catch (IOException e) {
                            failures.incrementAndGet();
                            first.compareAndSet(null, e);
                        }
                    }
                });
            }
        }

        void awaitMore(int count) {
            int before = answers.get();
            Conditions.await("more answers").until(() -> answers.get() >= before + count);
        }

        @Override
        public void close() {
            isOver.set(true);
            threads.close();
        }
    }

    @Test
    void noConnectionIsLostOnReloadScaleDownAndSignal() throws Exception {
        SocketAddress address = manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
        start(teller().workers(2));
        var clients = new Clients(4, address);
        try (clients) {
            clients.awaitMore(50);
            manager.reload().get();
            clients.awaitMore(50);
            manager.scale("teller", 1).get();
            clients.awaitMore(50);
            long told = manager.status().getFirst().pid();
            assertThat(new ProcessBuilder("kill", "-TERM", Long.toString(told)).start().waitFor()).isZero();
            Conditions.await("another worker").until(() -> !pids().contains(told));
            clients.awaitMore(50);
        }
        assertThat(clients.first.get()).isNull();
        assertThat(clients.failures.get()).isZero();
        assertThat(log()).contains("teller(0) DIED: exited with code 0").doesNotContain("KILLED");
    }

    /** Only connections that the dead worker had accepted can be lost. */
    @Test
    void othersServeOnWhenOneIsKilled() throws Exception {
        SocketAddress address = manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
        start(teller().workers(2).spares(1));
        try (var clients = new Clients(4, address)) {
            clients.awaitMore(20);
            for (int i = 0; i < 2; i++) {
                int before = clients.failures.get();
                int id = i;
                long killed = manager.status().get(id).pid();
                ProcessHandle.of(killed).orElseThrow().destroyForcibly();
                Conditions.await("another worker").until(() -> {
                    SlotStatus now = manager.status().get(id);
                    return now.pid() != killed && now.state() == SlotState.READY;
                });
                clients.awaitMore(20);
                assertThat(clients.failures.get() - before).isLessThanOrEqualTo(4);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void eachKindOfAddress(boolean isUnix, @TempDir Path folder) throws Exception {
        Path path = folder.resolve("web.sock");
        SocketAddress address = manager.listen("web", isUnix
                ? UnixDomainSocketAddress.of(path)
                : new InetSocketAddress(InetAddress.getByName("::1"), 0));
        assertThat(manager.listeners()).containsExactly(new ListenerStatus("web", address, true));
        start(teller(), SmallServices.of("other", TELLER).listener("web"));
        Set<Long> answered = new HashSet<>();
        Conditions.await("both services answer").until(() -> {
            answered.add(ask(address));
            return answered.equals(pids());
        });
        assertThatThrownBy(() -> manager.unlisten("web")).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("service teller accepts on listener web: change that first");
        manager.remove("other").get();
        manager.remove("teller").get();
        manager.unlisten("web");
        assertThat(path).doesNotExist();
        assertThatThrownBy(() -> ask(address)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> manager.unlisten("web")).hasMessage("there is no listener web");
    }

    @Test
    void aSocketOfAWorkersOwnListensWhenTheWorkerAsksForIt() throws Exception {
        InetSocketAddress address;
        try (ServerSocketChannel free = ServerSocketChannel.open()) {
            address = (InetSocketAddress) free.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .getLocalAddress();
        }
        var worker = new RunningService(
                new ServiceMain(
                        new ServiceMain.Identity("listens", "one", 0, 1),
                        new ServiceMain.Code(null, null, false),
                        new ServiceMain.Limits(Duration.ZERO, Duration.ofSeconds(30)),
                        new ServiceMain.Given(new WorkerListener("web", null, address), Map.of())),
                null);
        worker.listen();
        assertThatThrownBy(() -> SocketChannel.open(address)).isInstanceOf(ConnectException.class);
        try (ServerSocketChannel listener = worker.listener();
                SocketChannel client = SocketChannel.open(address)) {
            assertThat(worker.listener()).isSameAs(listener);
            assertThat(client.isConnected()).isTrue();
        }
    }

    @Test
    void withoutNativeAccessEachWorkerHasASocket(@TempDir Path folder) throws Exception {
        manager.close();
        manager = manager(new Listeners(false));
        SocketAddress address = manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
        assertThat(manager.listeners()).containsExactly(new ListenerStatus("web", address, false));
        assertThatThrownBy(() -> manager.listen("path", UnixDomainSocketAddress.of(folder.resolve("s"))))
                .isInstanceOf(IOException.class).hasMessageContaining("only with native access");
        assertThatThrownBy(() -> new Listeners(false).listen("web", address)).as("another manager")
                .isInstanceOf(IOException.class).hasMessageContaining("cannot listen on ");
        start(teller().workers(2));
        Set<Long> answered = new HashSet<>();
        Conditions.await("both workers answer").until(() -> {
            answered.add(ask(address));
            return answered.equals(pids());
        });
        manager.reload().get();
        assertThat(pids()).contains(ask(address));
        assertThatThrownBy(() -> new Listeners(false).listen("web", address)).as("another manager")
                .isInstanceOf(IOException.class).hasMessageContaining("cannot listen on ");
    }

    @Test
    void socketsOfSystemdAreTakenOneByOne() throws Exception {
        assertThat(AsSystemd.outputOf(Activated.class, "web:web", 2).lines().toList()).containsExactly(
                "true", "listener three: systemd has passed on no socket named web; its socket unit needs "
                        + "FileDescriptorName=web, and no other socket is left",
                "first answers, second answers");
    }

    /** A manager with one service on each of two sockets of systemd. */
    static final class Activated {
        public static void main(String[] arguments) throws Exception {
            Service answers = me -> {
                for (SocketChannel next = me.accept(); next != null; next = me.accept()) {
                    SocketChannel client = next; // that of AsSystemd says nothing, so nobody waits for the answer to it
                    Thread.startVirtualThread(() -> answer(client));
                }
            };
            try (ServiceManager manager = ServiceManager.create(
                    "shop", ServiceLog.to(new ByteArrayOutputStream(), ServiceLog.Format.TEXT))) {
                SocketAddress bound = manager.listenOnSystemd("one", "web");
                manager.unlisten("one"); // systemd has it all the same, and does not pass it on again
                SocketAddress first = manager.listenOnSystemd("one", "web");
                System.out.println(first.equals(bound));
                SocketAddress second = manager.listenOnSystemd("two", "web");
                try {
                    manager.listenOnSystemd("three", "web");
                } catch (IOException e) {
                    System.out.println(e.getMessage());
                }
                manager.add(SmallServices.of("first", answers).listener("one").build());
                manager.add(SmallServices.of("second", answers).listener("two").build());
                manager.start();
                manager.whenUp().join();
                System.out.println(answering(manager, first) + ", " + answering(manager, second));
            }
        }

        private static void answer(SocketChannel client) {
            try (client) {
                client.read(ByteBuffer.allocate(1));
                client.write(ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static String answering(ServiceManager manager, SocketAddress address) throws IOException {
            long pid = ask(address);
            return manager.status().stream().filter(one -> one.pid() == pid).findAny().orElseThrow().service()
                    + " answers";
        }
    }

    /** The listener goes while what the service runs from is being copied. */
    @Test
    void aServiceWhoseListenerGoesMeanwhileIsRefused() throws Exception {
        ServiceManager[] made = new ServiceManager[1];
        made[0] = ServiceManager.forTest(TimeSource.system(), new Random(1), pid -> 0, (settings, number) -> {
            made[0].unlisten("web");
            return new Generation(number, settings, id -> listener -> {
                throw new IOException("never started");
            });
        });
        try (ServiceManager busy = made[0]) {
            busy.listen("web", new InetSocketAddress("127.0.0.1", 0));
            assertThatThrownBy(() -> busy.add(teller().build())).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("service teller accepts on listener web, which is not there; there are []");
            assertThat(busy.status()).isEmpty();
        }
    }

    /** Where a worker waits for its listener is gone with it, also if it was killed. */
    @Test
    void noFolderIsLeft() throws Exception {
        List<Path> before = foldersOfThisProcess();
        manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
        start(teller().workers(2));
        ProcessHandle.of(manager.status().getFirst().pid()).orElseThrow().destroyForcibly();
        Conditions.await("its folder").until(() -> log().contains("DIED"));
        assertThat(foldersOfThisProcess()).as("while workers run").hasSizeGreaterThan(before.size());
        manager.close();
        assertThat(foldersOfThisProcess()).as("at the end").isSubsetOf(before);
    }

    private static List<Path> foldersOfThisProcess() throws IOException {
        try (var all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return all.filter(one -> one.getFileName().toString().startsWith(FolderOwner.namePrefix())).toList();
        }
    }

    @Test
    void whatCannotBeIsRefusedAtOnce() throws Exception {
        assertThatThrownBy(() -> manager.add(teller().build())).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("service teller accepts on listener web, which is not there; there are []");
        SocketAddress address = manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
        assertThatThrownBy(() -> manager.listen("web", address)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is a listener web already");
        assertThatThrownBy(() -> manager.listen("again", address)).isInstanceOf(IOException.class)
                .hasMessageContaining("cannot listen on ").hasMessageContaining("take another port");
        assertThatThrownBy(() -> manager.listen("far", InetSocketAddress.createUnresolved("no.such.host", 1)))
                .isInstanceOf(IOException.class).hasMessageContaining("no such host is known");
        assertThatThrownBy(() -> manager.listenOnSystemd("s", "web")).isInstanceOf(IOException.class)
                .hasMessageContaining("systemd has passed on no socket named web");
        assertThatThrownBy(() -> ServiceSettings.ofCommand("c", "true").listener("web").build())
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("service c is a command");
    }

    /** A worker gets one descriptor, once. */
    @Test
    void aWorkerThatAsksForAListenerItHasNotIsKilled() throws Exception {
        manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
        byte[] asks = ServiceNote.of(ServiceNote.Kind.LISTENER).bytes();
        Service greedy = me -> {
            WorkerProcess.parent().orElseThrow().send(asks);
            me.awaitStop();
        };
        manager.add(SmallServices.of("none", greedy).deaths(1, Duration.ofMinutes(1), Escalation.FAIL)
                .build());
        manager.add(SmallServices.of("second", greedy).listener("web")
                .deaths(1, Duration.ofMinutes(1), Escalation.FAIL).build());
        manager.start();
        assertThat(manager.awaitEnd()).isEqualTo(1);
        assertThat(log()).contains("none(0) DIED: was killed, as it said what no worker says")
                .contains("second(0) DIED: was killed, as it said what no worker says");
    }

    @Test
    void aServiceWithoutListenerIsTold() throws Exception {
        start(SmallServices.of("none", me -> {
            try {
                me.accept();
            } catch (IllegalStateException e) {
                System.out.println(e.getMessage());
            }
            me.awaitStop();
        }));
        Conditions.await("it says so").until(() -> log().contains("out: service none has no listener: name one by "));
    }

    @Test
    void titlesTellManagerServiceAndWorker() throws Exception {
        start(SmallServices.of("printer", ServiceWorker::awaitStop).workers(2).spares(1));
        assertThat(title(0)).isEqualTo("shop: printer worker(0)");
        assertThat(title(1)).isEqualTo("shop: printer worker(1)");
        long killed = manager.status().get(1).pid();
        ProcessHandle.of(killed).orElseThrow().destroyForcibly();
        Conditions.await("another worker").until(() -> {
            SlotStatus now = manager.status().get(1);
            return now.state() == SlotState.READY && now.pid() != killed;
        });
        assertThat(title(1)).isEqualTo("shop: printer worker(1)");
    }

    private String title(int id) throws IOException {
        byte[] line = Files.readAllBytes(Path.of("/proc/" + manager.status().get(id).pid() + "/cmdline"));
        int length = 0;
        while (line[length] != 0) {
            length++;
        }
        assertThat(Arrays.copyOfRange(line, length, line.length)).containsOnly(0);
        return new String(line, 0, length, StandardCharsets.UTF_8);
    }

    /** A terminal sends INT and HUP to all its processes. */
    @Test
    void onlyTheManagerHeedsTheTerminal() throws Exception {
        start(SmallServices.of("printer", ServiceWorker::awaitStop));
        long pid = manager.status().getFirst().pid();
        for (String signal : List.of("-INT", "-HUP")) {
            assertThat(new ProcessBuilder("kill", signal, Long.toString(pid)).start().waitFor()).isZero();
        }
        manager.restart("printer").get();
        assertThat(log()).contains("pid " + pid).doesNotContain("DIED");
    }

    /** Without a limit it would neither work nor be replaced. */
    @Test
    void aWorkerThatDoesNotHeedTermIsEndedAtItsLimit() throws Exception {
        start(SmallServices.of("deaf", new Deaf()).stopLimit(Duration.ofMillis(300)));
        long pid = manager.status().getFirst().pid();
        assertThat(new ProcessBuilder("kill", "-TERM", Long.toString(pid)).start().waitFor()).isZero();
        Conditions.await("another worker").until(() -> {
            SlotStatus now = manager.status().getFirst();
            return now.pid() != pid && now.state() == SlotState.READY;
        });
        assertThat(log()).contains("deaf(0) DIED: was killed by signal 15 (SIGTERM)");
    }

    /** Heeds nothing. */
    private static final class Deaf implements Service {
        private static final long serialVersionUID = 1L;

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            new CountDownLatch(1).await();
        }

        @Override
        public void terminate(ServiceWorker me) {}
    }

    @Test
    void valuesTravel() throws Exception {
        SharedQueue<String> queue = SharedQueue.create(4, 1 << 16);
        start(SmallServices.of("taker", me -> {
            @SuppressWarnings("unchecked")
            SharedQueue<String> lines = me.value("lines", SharedQueue.class);
            System.out.println("took " + lines.take() + " and has " + me.value("limit", Integer.class));
            try {
                me.value("lines", String.class);
            } catch (IllegalArgumentException e) {
                System.out.println(e.getMessage());
            }
            try {
                me.value("other", String.class);
            } catch (IllegalArgumentException e) {
                System.out.println(e.getMessage());
            }
            me.awaitStop();
        }).value("lines", queue).value("limit", 7), SmallServices.of("maker", me -> {
            @SuppressWarnings("unchecked")
            SharedQueue<String> lines = me.value("lines", SharedQueue.class);
            lines.put("paper");
            me.awaitStop();
        }).value("lines", queue));
        Conditions.await("it has taken").until(() -> log().contains("out: took paper and has 7"));
        Conditions.await("both mistakes").until(() -> log().contains("which is no java.lang.String")
                && log().contains("service taker has no value other; there are [limit, lines]"));
    }

    @Test
    void aListenerThatWasClosedTellsSo() throws Exception {
        var listeners = new Listeners();
        listeners.listen("web", new InetSocketAddress("127.0.0.1", 0));
        listeners.closeAll();
        assertThatThrownBy(() -> listeners.send("web", Path.of("x"))).hasMessage("listener web is closed");
        assertThatThrownBy(() -> listeners.listen("web", new InetSocketAddress("127.0.0.1", 0)))
                .hasMessage("the manager has ended");
    }
}
