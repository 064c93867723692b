package dev.sennit.faults.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.Beat;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever goes wrong with a broker: no line of a log of any level, of Sennit's or of the driver's, no message or stack
 * trace of an exception, no name of a thread and no text of an object has its password.
 */
@WithServer(ServerKind.POSTGRESQL)
@Timeout(120)
class NoPasswordIT {
    private static final String SECRET = "hunter2";
    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, String::length);

    private final TestServer server;
    private final ConcurrentLinkedQueue<String> said = new ConcurrentLinkedQueue<>();
    private final Logger root = Logger.getLogger("");
    private final Level before = root.getLevel();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            // with the stack trace, as the formatter does
            said.add(line.getLoggerName() + " " + new SimpleFormatter().format(line));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };
    /** What other handlers print of it, which is a lot. */
    private final List<Handler> others = List.of(root.getHandlers());

    NoPasswordIT(TestServer server) {
        this.server = server;
    }

    @BeforeEach
    void listen() {
        handler.setLevel(Level.ALL);
        root.setLevel(Level.ALL);
        others.forEach(root::removeHandler);
        root.addHandler(handler);
    }

    @AfterEach
    void stopListening() {
        root.removeHandler(handler);
        others.forEach(root::addHandler);
        root.setLevel(before);
    }

    private void note(Object object) {
        said.add(object.getClass().getName() + ": " + object);
    }

    private void note(Throwable error) {
        var text = new StringWriter();
        error.printStackTrace(new PrintWriter(text, true)); // causes and suppressed ones, too
        said.add(text.toString());
    }

    private void noteThreads() {
        Thread.getAllStackTraces().keySet().forEach(thread -> said.add(thread.getName() + " " + thread));
    }

    private void assertNothingIsShown(String... secrets) {
        noteThreads();
        assertThat(said).isNotEmpty();
        for (String secret : secrets) {
            assertThat(said).allSatisfy(text -> assertThat(text).doesNotContain(secret));
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            assertThat(System.nanoTime() - start).isLessThan(Duration.ofSeconds(60).toNanos());
            Thread.sleep(10);
        }
    }

    /** Without this, the others would pass by looking nowhere. */
    @Test
    void aPasswordThatIsShownIsFound() {
        System.getLogger("dev.sennit.test").log(System.Logger.Level.DEBUG, "found", new Exception(
                new IllegalStateException("jdbc:x?password=" + SECRET)));
        assertThat(said).anySatisfy(text -> assertThat(text).contains(SECRET));
        said.clear();
        Thread thread = Thread.ofPlatform().name(SECRET).unstarted(() -> {});
        note(thread);
        assertThat(said).anySatisfy(text -> assertThat(text).contains(SECRET));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "postgresql://me:hunter2@127.0.0.1:1/jobs", "postgresql://me:hunter2@nowhere.invalid/jobs",
        "postgresql://me:hunter2@127.0.0.1:PORT/postgres", "postgresql://sennit:hunter2@127.0.0.1:PORT/postgres",
        "postgresql://sennit:hunter2@127.0.0.1:PORT/nothing", "postgresql://me:hunter2@127.0.0.1:99999/jobs",
        "postgresql://me:hunter2@/jobs",
        "postgresql://me:hunter2@127.0.0.1", "postgresql://me:a@hunter2@127.0.0.1:1/jobs",
        "postgresql://me:a/hunter2@127.0.0.1:1/jobs", "postgresql://me:a:hunter2@127.0.0.1:1/jobs",
        "postgresql://me:hunter2%zz@127.0.0.1:1/jobs", "postgresql://127.0.0.1:1/jobs?password=hunter2",
        "postgresql://127.0.0.1:1/jobs?sslpassword=hunter2&sslmode=require",
        "postgresql://me:hunter2@127.0.0.1:1/jobs?schema=No", "postgresql://me:hunter2@127.0.0.1:1/jobs?colour=red",
        "postgresql://me:hunter2@127.0.0.1:1/jobs?connections=x", "postgresql:me:hunter2@127.0.0.1/jobs",
        "postgres://me:hunter2@127.0.0.1/jobs", "nope:me:hunter2@127.0.0.1", "//me:hunter2@127.0.0.1/jobs",
        "sqlite:/no/such/jobs.db?password=hunter2"
    })
    void brokersThatCannotBeOpened(String address) {
        String uri = address.replace("PORT", Integer.toString(server.port()));
        Throwable error = catchThrowable(() -> Broker.open(uri).close());
        assertThat(error).isInstanceOfAny(IllegalArgumentException.class, BrokerException.class);
        assertThat(error.getMessage()).doesNotContain("\n");
        note(error);
        Throwable again = catchThrowable(() -> TaskQueue.open(uri).close());
        note(again);
        Throwable unread = catchThrowable(() -> note(BrokerUri.parse(uri)));
        if (unread != null) {
            note(unread);
        }
        assertNothingIsShown(SECRET);
    }

    /** The right password, which is shown nowhere while its server goes away and comes back. */
    @Test
    void workersAndBeatsWhoseServerIsGone() throws Exception {
        URI uri = server.uri();
        String password = uri.getUserInfo().substring(uri.getUserInfo().indexOf(':') + 1);
        assertThat(password).hasSizeGreaterThan(5);
        try (Broker broker = Broker.open(uri + "?schema=secrets");
                TaskQueue queue = TaskQueue.over(broker);
                QueueWorker worker = QueueWorker.builder(broker).types(LENGTH).providers(null).on("threads:2")
                        .lease(Duration.ofMillis(300)).start();
                Beat beat = Beat.start(broker)) {
            List<Object> all = new ArrayList<>(List.of(broker, queue, worker, beat, broker.name()));
            assertThat(queue.submit(LENGTH, "four").join()).isEqualTo(4);
            noteThreads();
            server.kill();
            note(catchThrowable(() -> queue.enqueue(LENGTH, "five")));
            note(catchThrowable(broker::counts));
            List<ScheduleEntry> none = new ArrayList<>();
            note(catchThrowable(() -> none.addAll(broker.schedules())));
            note(catchThrowable(() -> broker.control(new ControlMessage(null, "quiet", Map.of()))));
            await(() -> !worker.status().isHealthy());
            all.addAll(List.of(worker.status(), worker.status().problems(), beat));
            all.forEach(this::note);
            noteThreads();
            server.start();
            await(() -> worker.status().isHealthy());
            all.forEach(this::note);
        }
        assertThat(said).as("the driver was listened to").anySatisfy(text -> assertThat(text)
                .startsWith("org.postgresql"));
        assertThat(said).as("the worker was listened to").anySatisfy(text -> assertThat(text)
                .contains("does not answer"));
        assertNothingIsShown(password);
    }
}
