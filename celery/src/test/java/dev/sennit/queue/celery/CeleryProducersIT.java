package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Protocol.Command;

/** Workers in Java serve real producers of Celery over Redis. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class CeleryProducersIT extends CeleryProducersContract {
    @TempDir
    static Path folder;

    private static Celery celerySide;
    private static Process pythonWorker;

    private final TestServer redis;
    private Server server;

    CeleryProducersIT(TestServer redis) {
        this.redis = redis;
    }

    @BeforeAll
    static void startCelery(TestServer redis) throws Exception {
        celerySide = Celery.on(redis, folder);
        pythonWorker = celerySide.worker("python");
    }

    @AfterAll
    static void stopCelery() throws IOException {
        if (celerySide != null) {
            celerySide.close();
        }
    }

    @Override
    Celery celery() {
        return celerySide;
    }

    @Override
    String uri() {
        return "celery+" + redis.uri();
    }

    @BeforeEach
    void openServer() {
        server = new Server(new RedisAddress(BrokerUri.parse(uri())));
    }

    @AfterEach
    void closeServer() {
        server.close();
    }

    @Test
    void nothingStaysBehind() throws Exception {
        celery.run("[jadd.delay(i, i).get(timeout=20) for i in range(20)]");
        assertThat(server.repeatable(Server.call(Command.HLEN, "unacked"))).isEqualTo(0L);
        assertThat(server.repeatable(Server.call(Command.ZCARD, "unacked_index"))).isEqualTo(0L);
        assertThat(server.repeatable(Server.call(Command.ZCARD, Keys.LEASES))).isEqualTo(0L);
        assertThat((List<?>) server.repeatable(Server.call(Command.KEYS, Keys.run("*")))).isEmpty();
    }

    @Test
    void aResultThatIsIgnoredIsNotKept() throws Exception {
        String id = celery.value("jtext.apply_async(('ignored',), ignore_result=True).id").stringValue();
        Waiting.until("it has run", () -> BEGUN.contains("ignored"));
        Waiting.until("it has ended", () -> server.repeatable(Server.call(Command.HLEN, "unacked")).equals(0L));
        assertThat(server.repeatable(Server.call(Command.EXISTS, Results.KEY + id))).isEqualTo(0L);
    }

    record Photo(String path, int width) {
        Photo(String path) {
            this(path, 128);
        }
    }

    record Strict(String path, int width) {}

    /** The first example in Python of the guide, as it is written there, with what its comments say. */
    @Test
    void theGuidesFirstExampleWorksAsItIsWritten() throws Exception {
        String guide = Files.readString(Path.of("../docs/guides/moving-from-celery.md"));
        int begin = guide.indexOf("```python\n") + "```python\n".length();
        String example = guide.substring(begin, guide.indexOf("```", begin));
        List<String> expected = example.lines().filter(line -> line.startsWith("print("))
                .map(line -> line.substring(line.indexOf("# ") + 2)).toList();
        assertThat(expected).hasSize(3);
        try (QueueWorker images = QueueWorker.builder(broker).on("threads:2").queues("images").types(
                TaskType.of("thumbs.make", Photo.class, photo -> photo.path() + " at " + photo.width())).start()) {
            String printed = celery.run("""
                    import contextlib, io
                    printed = io.StringIO()
                    with contextlib.redirect_stdout(printed):
                    %s
                    out = printed.getvalue()
                    """.formatted(example.indent(4).stripTrailing())).stringValue();
            assertThat(printed.lines().toList()).isEqualTo(expected);
            assertThat(images.status().isHealthy()).isTrue();
        }
    }

    @Test
    void aMissingArgumentIsNamed() throws Exception {
        try (QueueWorker images = QueueWorker.builder(broker).on("threads:2").queues("images").types(
                TaskType.of("thumbs.strict", Strict.class, photo -> photo.path() + " at " + photo.width())).start()) {
            assertThat(celery.run("""
                    def strict(*args, **kwargs):
                        return app.send_task('thumbs.strict', args, kwargs, queue='images') \\
                            .get(timeout=20, propagate=False)
                    out = [strict('a.jpg', 7), strict('a.jpg', width=8), str(strict('a.jpg')), str(strict())]
                    """).toString()).contains("[\"a.jpg at 7\",\"a.jpg at 8\",", "Strict: width is missing\"",
                    "Strict: path is missing\"");
            assertThat(images.status().isHealthy()).isTrue();
        }
    }

    // ---- order and time ----

    @Test
    void prioritiesGoByKombusSteps() throws Exception {
        worker.quiet();
        celery.run("""
                for priority in (9, 3, 0, 6):
                    jtext.apply_async(('p%d' % priority,), priority=priority)
                """);
        try (QueueWorker single = worker(broker, 1)) {
            Waiting.until("all have begun", () -> BEGUN.size() == 4);
            assertThat(single.status().isHealthy()).isTrue();
        }
        assertThat(BEGUN).containsExactly("p0", "p3", "p6", "p9");
    }

    @Test
    void whatIsDueLaterWaitsInTheBroker() throws Exception {
        celery.run("""
                later = jtext.apply_async(('later',), countdown=2)
                far = jtext.apply_async(('far',), countdown=3600)
                """);
        Waiting.until("both wait", () -> server.repeatable(Server.call(Command.ZCARD, Keys.DUE)).equals(2L));
        assertThat(BEGUN).isEmpty();
        assertThat(celery.text("later.get(timeout=20) == 'later ' + later.id")).isEqualTo("true");
        assertThat(server.repeatable(Server.call(Command.ZCARD, Keys.DUE))).isEqualTo(1L);
        assertThat(broker.cancel(celery.value("far.id").stringValue()))
                .isEqualTo(dev.sennit.queue.broker.TaskState.CANCELLED);
        assertThat(celery.text("far.state")).isEqualTo("\"REVOKED\"");
    }

    @Test
    void whatHasExpiredIsRevoked() throws Exception {
        worker.quiet();
        celery.run("expired = jtext.apply_async(('expired',), expires=0.2)");
        celery.run("import time; time.sleep(0.5)");
        worker.resume();
        assertThat(celery.run("""
                try:
                    expired.get(timeout=20)
                except Exception as e:
                    out = [type(e).__name__, list(e.args), expired.state]
                """).toString()).isEqualTo("[\"TaskRevokedError\",[\"expired\"],\"REVOKED\"]");
        assertThat(BEGUN).isEmpty();
    }

    // ---- unknown names, poison ----

    @Test
    void whatNobodyKnowsIsLeftForAWhileAndThenNotRegistered() throws Exception {
        celery.run("strange = jnobody.delay(1)");
        assertThat(celery.text("jadd.delay(1, 1).get(timeout=20)")).isEqualTo("2");
        assertThat(celery.text("strange.state")).isEqualTo("\"PENDING\"");
        Upkeep.Limits limits = new Upkeep.Limits(Duration.ofMillis(300), Duration.ofDays(1), Duration.ofMinutes(1));
        assertThat(broker.upkeep(limits).unknown()).isZero();
        AtomicInteger ended = new AtomicInteger();
        Waiting.until("it is ended", () -> ended.addAndGet(broker.upkeep(limits).unknown()) == 1);
        assertThat(celery.run("""
                try:
                    strange.get(timeout=20)
                except Exception as e:
                    out = [type(e).__name__, list(e.args)]
                """).toString()).isEqualTo("[\"NotRegistered\",[\"java.nobody\"]]");
    }

    @Test
    void poisonGoesToTheDeadLettersAndHarmsNobody() throws Exception {
        server.repeatable(Server.call(Command.DEL, "sennit.celery:dead"));
        celery.run("""
                r = app.backend.client
                r.lpush('celery', b'no json \\xff\\xfe')
                r.lpush('celery', b'[1, 2]')
                r.lpush('celery', b'{"headers": {"task": "java.add", "id": "x1"}, "content-type": "application/json",'
                                  b' "properties": {"delivery_tag": "t1", "body_encoding": "base64"}, "body": "!!"}')
                from kombu.serialization import enable_insecure_serializers
                app.send_task('java.add', (1, 2), serializer='pickle')
                app.send_task('java.add', (1, 2), serializer='yaml')
                """);
        Waiting.until("all are there", () -> server.repeatable(Server.call(Command.LLEN, "sennit.celery:dead"))
                .equals(5L));
        List<?> dead = (List<?>) server.repeatable(Server.call(Command.LRANGE, "sennit.celery:dead", "0", "-1"));
        String all = dead.stream().map(each -> new String((byte[]) each, StandardCharsets.ISO_8859_1)).toList()
                .toString();
        assertThat(all).contains("the entry is no JSON object", "no json \u00ff\u00fe", "[1, 2]",
                "the body is not in base64", "the content type is not JSON", "x-python-serialize");
        assertThat(celery.text("jadd.delay(1, 1).get(timeout=20)")).isEqualTo("2");
        assertThat(celery.run("""
                from celery.result import AsyncResult
                try:
                    AsyncResult('x1', app=app).get(timeout=5)
                except Exception as e:
                    out = type(e).__name__""").stringValue()).isEqualTo("DecodeError");
        assertThat(pythonWorker.isAlive()).isTrue();
    }

    // ---- lost workers ----

    @Test
    void whatALostWorkerHadComesBackAndKombuCouldRestoreIt() throws Exception {
        worker.close();
        celery.run("lost = jtext.delay('again')");
        var request = new dev.sennit.queue.broker.ClaimRequest("gone", List.of("default"), Set.of("java.text"), 5,
                Duration.ofMillis(300));
        assertThat(broker.claim(request).claims()).hasSize(1);
        String flying = Server.text(((List<?>) server.repeatable(Server.call(Command.HVALS, "unacked"))).getFirst());
        assertThat(flying).startsWith("[{").endsWith(", \"\", \"celery\"]");
        assertThat(server.repeatable(Server.call(Command.ZCARD, "unacked_index"))).isEqualTo(1L);
        worker = worker(broker, 1);
        assertThat(celery.text("lost.get(timeout=20) == 'again ' + lost.id")).isEqualTo("true");
    }

    @Test
    void whatAPythonWorkerLostIsPutBack() throws Exception {
        worker.close();
        celery.run("lost = jtext.delay('restored')");
        celery.run("""
                import json
                raw = app.backend.client.rpop('celery')
                app.backend.client.hset('unacked', 'tag1', json.dumps([json.loads(raw), '', 'celery']))
                app.backend.client.zadd('unacked_index', {'tag1': time.time() - 4000})
                """.replace("import json", "import json, time"));
        worker = worker(broker, 1);
        assertThat(celery.text("lost.get(timeout=20) == 'restored ' + lost.id")).isEqualTo("true");
    }

    @Test
    void anEntryThatIsInFlightTwiceRunsOnceAtATime() throws Exception {
        celery.run("""
                twice = jsleep.delay(1)
                """);
        Waiting.until("it has begun", () -> BEGUN.size() == 1);
        celery.run("""
                raw = json.loads(app.backend.client.hvals('unacked')[0])[0]
                raw['properties']['delivery_tag'] = 'another'
                app.backend.client.lpush('celery', json.dumps(raw))
                """.replaceFirst("raw", "import json\nraw"));
        assertThat(celery.text("jadd.delay(1, 1).get(timeout=20)")).isEqualTo("2");
        assertThat(BEGUN).hasSize(1);
        GATE.release(2);
        assertThat(celery.text("twice.get(timeout=20)")).isEqualTo("1");
        Waiting.until("the other message is gone, too",
                () -> server.repeatable(Server.call(Command.LLEN, "celery")).equals(0L));
    }

    @Test
    void theAddressShowsNoPassword() {
        assertThatThrownBy(() -> CeleryBroker.open("celery+redis://:s3cret@127.0.0.1:1/0"))
                .isInstanceOf(dev.sennit.queue.broker.BrokerException.class).hasMessageNotContaining("s3cret")
                .hasMessageContaining("celery+redis://:***@127.0.0.1:1/0 cannot be reached");
    }
}
