package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.RetryPolicy;
import java.io.IOException;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How the command of Celery looks at workers in Java, and controls them, over each transport. */
abstract class RemoteControlContract {
    static final Queue<String> BEGUN = new ConcurrentLinkedQueue<>();
    private static final Queue<String> ENDED = new ConcurrentLinkedQueue<>();
    private static final Semaphore GATE = new Semaphore(0);

    Celery celery;
    CeleryBroker broker;
    QueueWorker worker;

    /** Returns the client side of Celery, which stays open. */
    abstract Celery celery();

    /** Returns the address of the broker. */
    abstract String uri();

    /** Returns how Celery calls the transport. */
    abstract String transport();

    /** Returns what {@code celery status} says of the number of workers. */
    abstract String online();

    /** Returns an expression of Python that is true when {@code celery events} hears. */
    abstract String isHeard();

    @BeforeEach
    void start() {
        BEGUN.clear();
        ENDED.clear();
        GATE.drainPermits();
        celery = celery();
        broker = CeleryBroker.open(uri());
        worker = QueueWorker.builder(broker).name("thumbs").on("threads:4").places(2).drainLimit(Duration.ofMillis(10))
                .types(TaskType.of("java.echo", Object.class, value -> value),
                        TaskType.of("java.text", String.class, text -> {
                            BEGUN.add(text);
                            return text;
                        }),
                        TaskType.of("java.flaky", String.class, text -> {
                            BEGUN.add(text);
                            if (BEGUN.size() == 1) {
                                throw new IOException("try again");
                            }
                            return text;
                        }).options(SubmitOptions.NONE.retry(RetryPolicy.attempts(2).waiting(Duration.ofMillis(10)))),
                        TaskType.of("java.fail", String.class, text -> {
                            throw new IllegalStateException(text);
                        }),
                        TaskType.of("java.sleep", Integer.class, (millis, run) -> {
                            BEGUN.add(run.id());
                            try {
                                GATE.acquire();
                            } finally {
                                ENDED.add(run.id());
                            }
                            return millis;
                        }))
                .start();
        Waiting.until("the worker has reported", () -> !broker.workers().isEmpty());
    }

    @AfterEach
    void stop() {
        GATE.release(1000);
        worker.close();
        broker.close();
    }

    private String node() {
        return Events.node(worker.id());
    }

    /** Returns the end of a command to the worker in Java: Celery's own listens, too, and has the same tasks. */
    private String here() {
        return "destination=['" + node() + "'], reply=True, timeout=5, limit=1)";
    }

    private String inspect(String what) throws IOException {
        return celery.text("app.control.inspect(['" + node() + "'], timeout=5.0, limit=1)." + what)
                .replace(node(), "NODE");
    }

    @Test
    void inspectionIsAnswered() throws Exception {
        assertThat(inspect("ping()")).isEqualTo("{\"NODE\":{\"ok\":\"pong\"}}");
        assertThat(inspect("registered()"))
                .isEqualTo("{\"NODE\":[\"java.echo\",\"java.fail\",\"java.flaky\",\"java.sleep\",\"java.text\"]}");
        celery.run("jecho.delay(1).get(timeout=20)");
        assertThat(inspect("stats()")).contains("\"total\":{\"java.echo\":1}", "\"max-concurrency\":2",
                "\"transport\":\"" + transport() + "\"", "\"pid\":" + ProcessHandle.current().pid(),
                "\"prefetch_count\":");
        assertThat(inspect("active()")).isEqualTo("{\"NODE\":[]}");
        assertThat(inspect("active_queues()")).contains("\"name\":\"celery\"");
        celery.run("""
                later = jtext.apply_async(('later',), countdown=3600)
                sleeping = [jsleep.delay(i) for i in range(2)]
                """);
        Waiting.until("both run", () -> BEGUN.size() == 2);
        assertThat(inspect("active()")).contains(BEGUN.toArray(String[]::new)).contains("\"name\":\"java.sleep\"",
                "\"acknowledged\":false",
                "\"args\":[0]", "\"routing_key\":\"celery\"");
        assertThat(inspect("scheduled()")).contains("\"eta\":\"20", "\"args\":[\"later\"]");
        assertThat(inspect("reserved()")).isEqualTo("{\"NODE\":[]}");
        assertThat(inspect("query_task(sleeping[0].id)")).contains("\"active\"", "java.sleep");
        assertThat(inspect("clock()")).contains("\"clock\":");
    }

    @Test
    void theCommandOfCelerySeesTheWorker() throws Exception {
        assertThat(celery.command("status", "--timeout=5")).contains(node() + ": ").contains("OK", online());
        assertThat(celery.command("inspect", "ping", "--timeout=5")).contains(node()).contains("pong");
    }

    @Test
    void aTaskThatRunsIsRevoked() throws Exception {
        String id = celery.run("""
                running = jsleep.delay(1)
                out = running.id""").stringValue();
        Waiting.until("it runs", () -> BEGUN.contains(id));
        celery.run("running.revoke(terminate=True)");
        Waiting.until("it is interrupted", () -> ENDED.contains(id));
        assertThat(celery.run("""
                try:
                    running.get(timeout=20)
                except Exception as e:
                    out = [type(e).__name__, running.state]
                """).toString()).isEqualTo("[\"TaskRevokedError\",\"REVOKED\"]");
    }

    @Test
    void aTaskThatWaitsIsRevoked() throws Exception {
        worker.quiet();
        String id = celery.run("""
                waiting = jtext.delay('never')
                waiting.revoke()
                out = waiting.id""").stringValue();
        Waiting.until("it is known as revoked", () -> inspect("revoked()").contains(id));
        worker.resume();
        assertThat(celery.run("out = type(waiting.get(timeout=20, propagate=False)).__name__").stringValue())
                .isEqualTo("TaskRevokedError");
        assertThat(BEGUN).isEmpty();
    }

    @Test
    void aRateLimitHolds() throws Exception {
        assertThat(celery.text("app.control.rate_limit('java.text', '2/s', " + here()))
                .contains("new rate limit set successfully");
        long start = System.nanoTime();
        celery.run("[r.get(timeout=30) for r in [jtext.delay(str(i)) for i in range(5)]]");
        assertThat(System.nanoTime() - start).isGreaterThan(1_900_000_000L);
        assertThat(celery.text("app.control.rate_limit('java.text', 'many', " + here()))
                .contains("Invalid rate limit string");
        assertThat(celery.text("app.control.rate_limit('java.other', '1/s', " + here()))
                .contains("unknown task");
    }

    @Test
    void thePoolGrowsAndQueuesAreAdded() throws Exception {
        assertThat(celery.text("app.control.pool_grow(2, " + here())).contains("pool will grow");
        Waiting.until("it has grown", () -> worker.status().places() == 4);
        celery.text("app.control.pool_shrink(1, " + here());
        Waiting.until("it has shrunk", () -> worker.status().places() == 3);
        assertThat(celery.text("app.control.add_consumer('more', " + here())).contains("add consumer more");
        assertThat(celery.text("jecho.apply_async((7,), queue='more').get(timeout=20)")).isEqualTo("7");
        celery.text("app.control.cancel_consumer('more', " + here());
        Waiting.until("it is gone", () -> !worker.status().queues().containsKey("more"));
    }

    @Test
    void theDefaultQueueIsLeftAndServedAgainByTheNameThatIsShown() throws Exception {
        assertThat(inspect("active_queues()")).contains("\"name\":\"celery\"");
        assertThat(celery.text("app.control.cancel_consumer('celery', " + here()))
                .contains("no longer consuming from celery");
        Waiting.until("it is left", () -> worker.status().queues().isEmpty());
        celery.text("app.control.add_consumer('celery', " + here());
        Waiting.until("it is served", () -> worker.status().queues().containsKey("default"));
        assertThat(celery.text("jecho.apply_async((8,), queue='celery').get(timeout=20)")).isEqualTo("8");
    }

    @Test
    void aWorkerIsShutDown() throws Exception {
        celery.run("app.control.shutdown(destination=['another@here'])");
        assertThat(inspect("ping()")).contains("pong");
        celery.run("app.control.shutdown(destination=['" + node() + "'])");
        assertThat(worker.awaitEnd(Duration.ofSeconds(30))).isTrue();
    }

    @Test
    void eventsShowTheWorkerAndItsTasks() throws Exception {
        Process dump = celery.background("events", "events", "--dump");
        Waiting.until("it listens", () -> celery.value(isHeard()).booleanValue());
        celery.run("""
                jecho.delay(1).get(timeout=20)
                jfail.delay('kaboom').get(timeout=20, propagate=False)
                jflaky.delay('once more').get(timeout=20)
                r = jsleep.delay(1)
                """);
        Waiting.until("it runs", () -> BEGUN.size() == 3);
        celery.run("r.revoke(terminate=True); r.get(timeout=20, propagate=False)");
        Waiting.until("the events of tasks are shown", () -> {
            String log = celery.log("events");
            return log.contains("task received: java.echo") && log.contains("task started: java.echo")
                    && log.contains("task succeeded: java.echo") && log.contains("task failed: java.fail")
                    && log.contains("task retried: java.flaky") && log.contains("task revoked: java.sleep")
                    && log.contains("heartbeat");
        });
        worker.close();
        Waiting.until("its end is shown", () -> celery.log("events").contains(" shutdown"));
        assertThat(celery.log("events")).contains(node());
        dump.destroy();
    }
}
