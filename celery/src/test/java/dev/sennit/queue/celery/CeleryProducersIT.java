package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Protocol.Command;

/** Workers in Java serve real producers of Celery. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class CeleryProducersIT {
    record Add(int x, int y) {}

    @TempDir
    static Path folder;

    private static Celery celery;
    private static Process pythonWorker;

    private final TestServer redis;
    private CeleryBroker broker;
    private Server server;
    private QueueWorker worker;

    private static final Queue<String> BEGUN = new ConcurrentLinkedQueue<>();
    private static final Map<String, AtomicInteger> TRIES = new ConcurrentHashMap<>();
    private static final Semaphore GATE = new Semaphore(0);

    CeleryProducersIT(TestServer redis) {
        this.redis = redis;
    }

    @BeforeAll
    static void startCelery(TestServer redis) throws Exception {
        celery = Celery.on(redis, folder);
        pythonWorker = celery.worker("python");
    }

    @AfterAll
    static void stopCelery() throws IOException {
        if (celery != null) {
            celery.close();
        }
    }

    @BeforeEach
    void start() {
        broker = CeleryBroker.open("celery+" + redis.uri());
        server = new Server(new RedisAddress(dev.sennit.queue.broker.BrokerUri.parse("celery+" + redis.uri())));
        worker = worker(broker, 4);
        BEGUN.clear();
        TRIES.clear();
        GATE.drainPermits();
    }

    @AfterEach
    void stop() {
        GATE.release(1000);
        worker.close();
        server.close();
        broker.close();
    }

    static QueueWorker worker(CeleryBroker broker, int places) {
        return QueueWorker.builder(broker).on("threads:" + places).lease(Duration.ofSeconds(3)).types(
                TaskType.of("java.add", Add.class, add -> add.x() + add.y()),
                TaskType.ofList("java.total", Integer.class, numbers -> numbers.stream().mapToInt(n -> n).sum()),
                TaskType.of("java.echo", Object.class, value -> value),
                TaskType.of("java.text", String.class, (text, run) -> {
                    BEGUN.add(text);
                    return text + " " + run.id();
                }),
                TaskType.of("java.join", List.class, texts -> texts.toString()),
                TaskType.of("java.fail", String.class, text -> {
                    throw new IllegalStateException(text);
                }),
                TaskType.of("java.flaky", String.class, name -> {
                    int tries = TRIES.computeIfAbsent(name, _ -> new AtomicInteger()).incrementAndGet();
                    if (tries < 3) {
                        throw new IOException("try " + tries);
                    }
                    return tries;
                }).options(SubmitOptions.NONE.retry(RetryPolicy.attempts(5).waiting(Duration.ofMillis(100)))),
                TaskType.of("java.sleep", Integer.class, (millis, run) -> {
                    BEGUN.add(run.id());
                    GATE.acquire();
                    return millis;
                })).start();
    }

    // ---- arguments and results ----

    @Test
    void argumentsComeInEachFormAndResultsGoBack() throws Exception {
        assertThat(celery.text("jadd.delay(20, 22).get(timeout=20)")).isEqualTo("42");
        assertThat(celery.text("jadd.delay(x=1, y=2).get(timeout=20)")).isEqualTo("3");
        assertThat(celery.text("jadd.delay(3, y=4).get(timeout=20)")).isEqualTo("7");
        assertThat(celery.text("jtotal.delay(1, 2, 3).get(timeout=20)")).isEqualTo("6");
        assertThat(celery.text("jtotal.delay([4, 5]).get(timeout=20)")).isEqualTo("9");
        assertThat(celery.text("jecho.delay().get(timeout=20)")).isEqualTo("null");
        assertThat(celery.text("jecho.delay('\u00e4\u20ac \"x\"').get(timeout=20)"))
                .isEqualTo("\"\u00e4\u20ac \\\"x\\\"\"");
        assertThat(celery.text("jecho.delay({'a': [1, None]}).get(timeout=20)")).isEqualTo("{\"a\":[1,null]}");
        assertThat(celery.text("jecho.delay(1, 2).get(timeout=20)")).isEqualTo("[1,2]");
        assertThat(celery.text("jecho.delay(a=1).get(timeout=20)")).isEqualTo("{\"a\":1}");
        assertThat(celery.text("jecho.delay(1, a=2).get(timeout=20)")).isEqualTo("{\"args\":[1],\"kwargs\":{\"a\":2}}");
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
    void aFailureIsCelerysFailure() throws Exception {
        assertThat(celery.run("""
                result = jfail.delay('kaboom')
                try:
                    result.get(timeout=20)
                except Exception as e:
                    out = [type(e).__name__, list(e.args), result.state, 'IllegalStateException' in result.traceback]
                """).toString()).isEqualTo("[\"IllegalStateException\",[\"kaboom\"],\"FAILURE\",true]");
    }

    @Test
    void anArgumentThatDoesNotFitIsAFailure() throws Exception {
        assertThat(celery.run("""
                result = jadd.delay(1, 2, 3)
                try:
                    result.get(timeout=20)
                except Exception as e:
                    out = [type(e).__name__, 'has 3 arguments, but Add has 2 components' in str(e)]
                """).toString()).isEqualTo("[\"TaskDataException\",true]");
    }

    @Test
    void retriesGoByThePolicyOfTheType() throws Exception {
        assertThat(celery.text("jflaky.delay('retries').get(timeout=20)")).isEqualTo("3");
        assertThat(TRIES.get("retries")).hasValue(3);
    }

    @Test
    void aResultThatIsIgnoredIsNotKept() throws Exception {
        String id = celery.value("jtext.apply_async(('ignored',), ignore_result=True).id").stringValue();
        Waiting.until("it has run", () -> BEGUN.contains("ignored"));
        Waiting.until("it has ended", () -> server.repeatable(Server.call(Command.HLEN, "unacked")).equals(0L));
        assertThat(server.repeatable(Server.call(Command.EXISTS, Results.KEY + id))).isEqualTo(0L);
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

    // ---- what follows ----

    @Test
    void chainsGroupsAndChordsRunInJava() throws Exception {
        assertThat(celery.text("chain(jadd.s(1, 2), jadd.s(10), jadd.s(100))().get(timeout=20)")).isEqualTo("113");
        assertThat(celery.text("group(jadd.s(i, 1) for i in range(3))().get(timeout=20)")).isEqualTo("[1,2,3]");
        assertThat(celery.text("chord([jadd.s(i, 1) for i in range(10)])(jtotal.s()).get(timeout=20)"))
                .isEqualTo("55");
        assertThat(celery.text("chain(jadd.s(1, 1), group(jadd.s(1), jadd.s(2)), jtotal.s(), jadd.s(1000))()"
                + ".get(timeout=20)")).isEqualTo("1007");
        assertThat(celery.text("chord([chain(jadd.s(1, 1), jadd.s(1)), jadd.s(5, 5)])"
                + "(chain(jtotal.s(), jadd.s(100))).get(timeout=20)")).isEqualTo("113");
        assertThat(celery.text("chain(jadd.s(1, 1), jadd.si(5, 6))().get(timeout=20)")).isEqualTo("11");
        assertThat(celery.text("chord([chord([jadd.s(1, 1), jadd.s(2, 2)], jtotal.s()), jadd.s(3, 3)], jtotal.s())()"
                + ".get(timeout=20)")).isEqualTo("12");
    }

    @Test
    void chainsAndChordsGoToAndFroBetweenPythonAndJava() throws Exception {
        assertThat(celery.text("chain(jadd.s(1, 2), add.s(10).set(queue='python'), jadd.s(100),"
                + " add.s(1000).set(queue='python'))().get(timeout=30)")).isEqualTo("1113");
        assertThat(celery.text("chord([jadd.s(1, 1), add.s(2, 2), jadd.s(3, 3), add.s(4, 4)])(jtotal.s())"
                + ".get(timeout=30)")).isEqualTo("20");
        assertThat(celery.text("chord([jadd.s(1, 1), add.s(2, 2)])(total.s().set(queue='python')).get(timeout=30)"))
                .isEqualTo("6");
    }

    @Test
    void callbacksOfSuccessAndFailureAreCalled() throws Exception {
        celery.run("jadd.apply_async((1, 2), link=[jtext.s('linked').set(immutable=True), jtext.si('too')])");
        Waiting.until("both are called", () -> BEGUN.containsAll(Set.of("linked", "too")));
        String id = celery.run("""
                result = jfail.apply_async(('x',), link_error=[jtext.s(), note.s().set(queue='python')])
                out = result.id""").stringValue();
        Waiting.until("the callback in Java is called", () -> BEGUN.contains(id));
        Waiting.until("the callback in Python is called",
                () -> celery.value("app.backend.client.lrange('noted', 0, -1)[-1:] == [b'" + id + "']")
                        .booleanValue());
    }

    @Test
    void aFailureEndsTheChainAndTheChord() throws Exception {
        assertThat(celery.run("""
                result = chain(jadd.s(1, 1), jfail.si('broken'), jadd.s(1))()
                try:
                    result.get(timeout=20)
                except Exception as e:
                    out = [type(e).__name__, result.state]
                """).toString()).isEqualTo("[\"IllegalStateException\",\"FAILURE\"]");
        assertThat(celery.run("""
                result = chord([jadd.s(1, 1), jfail.s('broken'), add.s(1, 2)])(jtotal.s())
                e = result.get(timeout=20, propagate=False)
                out = [type(e).__name__, "raised IllegalStateException('broken')" in str(e)]
                """).toString()).isEqualTo("[\"ChordError\",true]");
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
