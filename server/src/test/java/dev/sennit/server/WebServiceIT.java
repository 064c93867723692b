package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.service.ServiceWorker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a worker accepts connections and is replaced, in this JVM. */
@Timeout(120)
class WebServiceIT {
    private static final String CLOSE = "Host: a\r\nConnection: close\r\n\r\n";

    private final CountDownLatch entered = new CountDownLatch(1);
    private final Semaphore mayEnd = new Semaphore(0);
    private final WebService service = WebService.of(() -> Routes.create()
            .get("/slow", _ -> {
                entered.countDown();
                mayEnd.acquire();
                return WebResponse.text("slow");
            })
            .get("/exhausts", _ -> {
                throw new OutOfMemoryError("on purpose");
            }));

    @AfterEach
    void endHandlers() {
        mayEnd.release(100);
    }

    /** Gives the connections of a test to a service. */
    private static class TestWorker implements ServiceWorker, AutoCloseable {
        private final ServerSocketChannel listener = ServerSocketChannel.open();
        private final BlockingQueue<Optional<SocketChannel>> accepted = new LinkedBlockingQueue<>();

        TestWorker() throws IOException {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        }

        /** Returns a client whose connection is accepted. */
        Socket connect() throws IOException {
            Socket client = new Socket(InetAddress.getLoopbackAddress(), listener.socket().getLocalPort());
            client.setSoTimeout(20_000);
            accepted.add(Optional.of(listener.accept()));
            return client;
        }

        /** Asks the service to stop. */
        void stop() {
            accepted.add(Optional.empty());
        }

        @Override
        public @Nullable SocketChannel accept() throws IOException, InterruptedException {
            return accepted.take().orElse(null);
        }

        @Override
        public boolean awaitStop(Duration longest) throws InterruptedException {
            return false;
        }

        @Override
        public void awaitStop() {
            throw new AssertionError();
        }

        @Override
        public Optional<Duration> timeLeft() {
            return Optional.of(Duration.ofSeconds(60));
        }

        @Override
        public String name() {
            return "test";
        }

        @Override
        public int id() {
            return 0;
        }

        @Override
        public long generation() {
            return 1;
        }

        @Override
        public void ready() {}

        @Override
        public void heartbeat() {}

        @Override
        public void worked(long pieces) {}

        @Override
        public boolean figures(Map<String, Long> sums, Map<String, Long> gauges) {
            return true;
        }

        @Override
        public boolean isStopping() {
            return false;
        }

        @Override
        public ServerSocketChannel listener() {
            return listener;
        }

        @Override
        public <T> T value(String called, Class<T> type) {
            throw new AssertionError();
        }

        @Override
        public void interrupt() {}

        @Override
        public void close() throws IOException {
            listener.close();
        }
    }

    /** A service that runs in a thread of its own. */
    private FutureTask<Void> start(TestWorker worker) throws Exception {
        FutureTask<Void> run = new FutureTask<>(() -> {
            service.initialize(worker);
            service.run(worker);
            return null;
        });
        Thread.ofPlatform().daemon().name("test-main").start(run);
        return run;
    }

    private static String exchange(Socket client, String path) throws IOException {
        EngineUnderTest.send(client, "GET " + path + " HTTP/1.1\r\n" + CLOSE);
        return new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    @Test
    void aReasonToReplaceTheWorkerCutsNoRequestOfADrain() throws Exception {
        try (var worker = new TestWorker();
                Socket slow = worker.connect();
                Socket exhausts = worker.connect()) {
            FutureTask<Void> run = start(worker);
            EngineUnderTest.send(slow, "GET /slow HTTP/1.1\r\n" + CLOSE);
            assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
            worker.stop();
            Waiting.until(worker.accepted::isEmpty); // and so the drain has begun, or will
            assertThat(exchange(exhausts, "/exhausts")).startsWith("HTTP/1.1 500 ");
            mayEnd.release();
            assertThat(EngineUnderTest.receive(slow, 10_000)).startsWith("HTTP/1.1 200 ").endsWith("slow");
            assertThatThrownBy(() -> run.get(20, TimeUnit.SECONDS)).cause()
                    .hasMessage("the memory was exhausted by GET /exhausts; so this worker is replaced");
        }
    }

    @Test
    void aWorkerThatIsToBeReplacedAcceptsNoMoreAndAnswersTheRest() throws Exception {
        try (var worker = new TestWorker();
                Socket slow = worker.connect();
                Socket first = worker.connect();
                Socket second = worker.connect()) {
            FutureTask<Void> run = start(worker);
            EngineUnderTest.send(slow, "GET /slow HTTP/1.1\r\n" + CLOSE);
            assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(exchange(first, "/exhausts")).startsWith("HTTP/1.1 500 ");
            assertThat(exchange(second, "/exhausts")).startsWith("HTTP/1.1 500 ");
            mayEnd.release();
            assertThat(EngineUnderTest.receive(slow, 10_000)).startsWith("HTTP/1.1 200 ").endsWith("slow");
            assertThatThrownBy(() -> run.get(20, TimeUnit.SECONDS)).cause()
                    .hasMessageEndingWith("so this worker is replaced");
        }
    }

    @Test
    void aWorkerThatStopsAndCannotAcceptWaitsBetweenAttempts() throws Exception {
        var attempts = new AtomicInteger();
        var mayAccept = new CountDownLatch(1);
        var isFinished = new CountDownLatch(1);
        try (var worker = new TestWorker() {
            @Override
            public @Nullable SocketChannel accept() throws IOException {
                if (mayAccept.getCount() == 0) {
                    return null;
                }
                if (attempts.incrementAndGet() > 1000) {
                    isFinished.countDown();
                    throw new AssertionError("it does not wait");
                }
                throw new IOException("no descriptor is free");
            }

            @Override
            public boolean awaitStop(Duration longest) {
                return true; // as it stops
            }
        }) {
            FutureTask<Void> run = new FutureTask<>(() -> {
                service.initialize(worker);
                service.run(worker);
                return null;
            });
            Thread main = Thread.ofPlatform().daemon().name("test-main").start(run);
            Waiting.until(() -> attempts.get() > 0 && main.getState() == Thread.State.TIMED_WAITING
                    || isFinished.getCount() == 0);
            mayAccept.countDown();
            run.get(20, TimeUnit.SECONDS);
        }
    }
}
