package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.RetryPolicy;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What workers in Java do for real producers of Celery, over each transport. */
abstract class CeleryProducersContract {
    record Add(int x, int y) {}

    static final Queue<String> BEGUN = new ConcurrentLinkedQueue<>();
    static final Map<String, AtomicInteger> TRIES = new ConcurrentHashMap<>();
    static final Semaphore GATE = new Semaphore(0);

    Celery celery;
    CeleryBroker broker;
    QueueWorker worker;

    /** Returns the client side of Celery, which stays open. */
    abstract Celery celery();

    /** Returns the address of the broker. */
    abstract String uri();

    @BeforeEach
    void start() {
        celery = celery();
        broker = CeleryBroker.open(uri());
        worker = worker(broker, 4);
        BEGUN.clear();
        TRIES.clear();
        GATE.drainPermits();
    }

    @AfterEach
    void stop() {
        GATE.release(1000);
        worker.close();
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
    void limitsRaiseCelerysExceptions() throws Exception {
        assertThat(celery.run("""
                from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
                def ended(**limits):
                    try:
                        jsleep.apply_async((1,), **limits).get(timeout=20)
                    except (SoftTimeLimitExceeded, TimeLimitExceeded) as e:
                        return [type(e).__name__, 'limit of PT1S' in str(e)]
                out = [ended(soft_time_limit=1), ended(time_limit=1)]
                """).toString())
                .isEqualTo("[[\"SoftTimeLimitExceeded\",true],[\"TimeLimitExceeded\",true]]");
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
}
