package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.file.Files;
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

/** Workers in Java serve real producers of RQ, beside a real worker of RQ. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class RqProducersIT {
    record Add(int x, int y) {}

    @TempDir
    static Path folder;

    private static Rq rq;

    private final TestServer redis;
    private RqBroker broker;
    private Server server;
    private QueueWorker worker;

    private static final Queue<String> BEGUN = new ConcurrentLinkedQueue<>();
    private static final Map<String, AtomicInteger> TRIES = new ConcurrentHashMap<>();
    private static final Semaphore GATE = new Semaphore(0);

    RqProducersIT(TestServer redis) {
        this.redis = redis;
    }

    @BeforeAll
    static void startRq(TestServer redis) throws Exception {
        rq = Rq.on(redis, folder);
        rq.worker("python-1");
    }

    @AfterAll
    static void stopRq() throws IOException {
        if (rq != null) {
            rq.close();
        }
    }

    @BeforeEach
    void start() {
        broker = RqBroker.open("rq+" + redis.uri());
        server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())));
        worker = worker(broker);
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

    private static QueueWorker worker(RqBroker broker) {
        return QueueWorker.builder(broker).on("threads:4").lease(Duration.ofSeconds(2)).types(
                TaskType.of("java.add", Add.class, add -> add.x() + add.y()),
                TaskType.ofList("java.total", Integer.class, numbers -> numbers.stream().mapToInt(n -> n).sum()),
                TaskType.of("java.echo", Object.class, value -> value),
                TaskType.of("java.text", String.class, (text, run) -> {
                    BEGUN.add(text);
                    return text + " " + run.id();
                }),
                TaskType.of("java.fail", String.class, text -> {
                    throw new IllegalStateException(text);
                }),
                TaskType.of("java.flaky", String.class, name -> {
                    int tries = TRIES.computeIfAbsent(name, _ -> new AtomicInteger()).incrementAndGet();
                    if (tries < 3) {
                        throw new IOException("try " + tries);
                    }
                    return tries;
                }),
                TaskType.of("java.stubborn", String.class, name -> {
                    int tries = TRIES.computeIfAbsent(name, _ -> new AtomicInteger()).incrementAndGet();
                    if (tries < 3) {
                        throw new IOException("try " + tries);
                    }
                    return tries;
                }).options(SubmitOptions.NONE.retry(RetryPolicy.attempts(5).waiting(Duration.ofMillis(100)))),
                TaskType.of("java.sleep", Integer.class, (number, run) -> {
                    BEGUN.add(run.id());
                    run.progress(1, 3, "asleep");
                    GATE.acquire();
                    return number;
                })).start();
    }

    // ---- arguments and results ----

    @Test
    void argumentsComeInEachFormAndResultsGoBack() throws Exception {
        assertThat(rq.text("get(q.enqueue('java.add', 20, 22))")).isEqualTo("42");
        assertThat(rq.text("get(q.enqueue('java.add', x=1, y=2))")).isEqualTo("3");
        assertThat(rq.text("get(q.enqueue('java.add', 3, y=4))")).isEqualTo("7");
        assertThat(rq.text("get(q.enqueue('java.total', 1, 2, 3))")).isEqualTo("6");
        assertThat(rq.text("get(q.enqueue('java.total', [4, 5]))")).isEqualTo("9");
        assertThat(rq.text("get(q.enqueue('java.echo'))")).isEqualTo("null");
        assertThat(rq.text("get(q.enqueue('java.echo', '\u00e4\u20ac \"x\"'))"))
                .isEqualTo("\"\u00e4\u20ac \\\"x\\\"\"");
        assertThat(rq.text("get(q.enqueue('java.echo', {'a': [1, None]}))")).isEqualTo("{\"a\":[1,null]}");
        assertThat(rq.text("get(q.enqueue('java.echo', 1, 2))")).isEqualTo("[1,2]");
        assertThat(rq.text("get(q.enqueue('java.echo', a=1))")).isEqualTo("{\"a\":1}");
        assertThat(rq.text("get(q.enqueue('java.echo', 1, a=2))")).isEqualTo("{\"args\":[1],\"kwargs\":{\"a\":2}}");
        assertThat(rq.text("get(q.enqueue('java.echo', 'x' * 300000)) == 'x' * 300000")).isEqualTo("true");
    }

    record Photo(String path, int width) {
        Photo(String path) {
            this(path, 128);
        }
    }

    record Strict(String path, int width) {}

    /** The example of a producer of the guide, as it is written there, with what its comments say. */
    @Test
    void theGuidesFirstExampleWorksAsItIsWritten() throws Exception {
        String guide = Files.readString(Path.of("../docs/guides/moving-from-rq.md"));
        int begin = guide.indexOf("```python\njob = ") + "```python\n".length();
        String example = guide.substring(begin, guide.indexOf("```", begin));
        List<String> expected = example.lines().filter(line -> line.contains("  # "))
                .map(line -> line.substring(line.indexOf("# ") + 2)).toList();
        assertThat(expected).hasSize(3);
        try (QueueWorker images = QueueWorker.builder(broker).on("threads:2").queues("images").types(
                TaskType.of("thumbs.make", Photo.class, photo -> photo.path() + " at " + photo.width())).start()) {
            String jobs = rq.run("queue = Queue('images', connection=r, serializer=JSONSerializer)\ndone = []\n"
                    + example.replaceAll("  # .*", "\ndone.append(get(job))") + "out = done").toString();
            assertThat(jobs).isEqualTo("[\"" + String.join("\",\"", expected) + "\"]");
            assertThat(images.status().isHealthy()).isTrue();
        }
    }

    @Test
    void aMissingArgumentIsNamed() throws Exception {
        try (QueueWorker images = QueueWorker.builder(broker).on("threads:2").types(
                TaskType.of("thumbs.strict", Strict.class, photo -> photo.path() + " at " + photo.width())).start()) {
            assertThat(rq.text("get(q.enqueue('thumbs.strict', 'a.jpg', width=8))")).isEqualTo("\"a.jpg at 8\"");
            String id = rq.text("q.enqueue('thumbs.strict', 'a.jpg').id").replace("\"", "");
            Waiting.until("it has ended", () -> !broker.ended(List.of(id)).isEmpty());
            assertThat(broker.ended(List.of(id)).getFirst().error().message()).endsWith("Strict: width is missing");
            assertThat(images.status().isHealthy()).isTrue();
        }
    }

    @Test
    void anIdMayBeUsedAgain() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertThat(rq.text("get(q.enqueue('java.echo', %d, job_id='daily'))".formatted(i)))
                    .isEqualTo(Integer.toString(i));
        }
        assertThat(rq.text("get(q.enqueue('java.add', 1, 2, job_id='daily'))")).isEqualTo("3");
    }

    @Test
    void anIdThatIsUsedAgainWhileItRunsRunsAgain() throws Exception {
        rq.run("first = q.enqueue('java.sleep', 1, job_id='twice')");
        Waiting.until("it has begun", () -> BEGUN.size() == 1);
        rq.run("time.sleep(0.01); second = q.enqueue('java.echo', 7, job_id='twice')");
        GATE.release();
        assertThat(rq.text("get(second)")).isEqualTo("7");
    }

    @Test
    void aResultIsKeptForAsLongAsRqSays() throws Exception {
        assertThat(rq.run("""
                job = q.enqueue('java.echo', 5)
                get(job)
                out = [has(FinishedJobRegistry, job), 0 < r.ttl(job.key) <= 500,
                       0 < r.ttl('rq:results:' + job.id) <= 500,
                       has(StartedJobRegistry, job), job.latest_result().type.name]
                """).toString()).isEqualTo("[true,true,true,false,\"SUCCESSFUL\"]");
        assertThat(rq.run("""
                job = q.enqueue('java.echo', 5, result_ttl=-1)
                get(job)
                out = [r.ttl(job.key), r.ttl('rq:results:' + job.id), r.zscore('rq:finished:default', job.id) > 1e300]
                """).toString()).isEqualTo("[-1,-1,true]");
        rq.run("job = q.enqueue('java.text', 'unkept', result_ttl=0)");
        Waiting.until("it is gone", () -> rq.value("r.exists(job.key) == 0").booleanValue());
        assertThat(BEGUN).containsExactly("unkept");
        assertThat(rq.text("r.exists('rq:results:' + job.id)")).isEqualTo("0");
    }

    @Test
    void whatRqShowsOfAJobIsRight() throws Exception {
        assertThat(rq.run("""
                job = q.enqueue('java.echo', 5, meta={'tenant': '7'}, description='five')
                get(job)
                job.refresh()
                out = [job.origin, job.description, job.started_at <= job.ended_at, job.enqueued_at <= job.started_at,
                       job.worker_name, job.meta, job.func_name, job.args]
                """).toString()).isEqualTo("[\"default\",\"five\",true,true,\"" + worker.id()
                + "\",{\"tenant\":\"7\"},\"java.echo\",[5]]");
    }

    @Test
    void progressIsInTheMeta() throws Exception {
        rq.run("job = q.enqueue('java.sleep', 1, meta={'a': 1})");
        Waiting.until("it has told its progress", () -> rq.value("job.get_meta()").has("progress"));
        assertThat(rq.text("job.get_meta()"))
                .isEqualTo("{\"a\":1,\"progress\":{\"done\":1,\"total\":3,\"message\":\"asleep\"}}");
        GATE.release();
        assertThat(rq.text("get(job)")).isEqualTo("1");
    }

    // ---- failures ----

    @Test
    void aFailureIsInTheRegistryAndCanBeRequeued() throws Exception {
        assertThat(rq.run("""
                job = q.enqueue('java.fail', 'kaboom')
                text = error(job)
                out = [text.startswith('failed: java.lang.IllegalStateException: kaboom'), '\\tat ' in text,
                       has(FailedJobRegistry, job), 31535000 < r.ttl(job.key) <= 31536000, job.exc_info == text[8:],
                       job.is_failed]
                """).toString()).isEqualTo("[true,true,true,true,true,true]");
        assertThat(rq.run("""
                short = q.enqueue('java.fail', 'kaboom', failure_ttl=60)
                error(short)
                out = [0 < r.ttl(short.key) <= 60, 0 < r.zscore('rq:failed:default', short.id) - time.time() <= 61]
                """).toString()).isEqualTo("[true,true]");
        rq.run("flaky = q.enqueue('java.flaky', 'requeued'); error(flaky)");
        assertThat(rq.command("requeue", "--queue", "default", "--serializer", "rq.serializers.JSONSerializer",
                rq.value("flaky.id").stringValue())).doesNotContain("Unable");
        Waiting.until("it has failed again", () -> TRIES.get("requeued").get() == 2
                && rq.value("flaky.get_status() == 'failed'").booleanValue());
        assertThat(rq.text("get(flaky.requeue())")).isEqualTo("3");
        assertThat(rq.text("[each.type.name for each in flaky.results()]"))
                .isEqualTo("[\"SUCCESSFUL\",\"FAILED\",\"FAILED\"]");
    }

    @Test
    void retriesAreThoseOfTheJob() throws Exception {
        assertThat(rq.text("get(q.enqueue('java.flaky', 'at-once', retry=Retry(max=2)))")).isEqualTo("3");
        assertThat(rq.run("""
                begin = time.time()
                job = q.enqueue('java.flaky', 'waits', retry=Retry(max=3, interval=[1, 1, 60]))
                state = status(job, 'scheduled')
                out = [state, has(ScheduledJobRegistry, job), get(job), time.time() - begin >= 2]
                """).toString()).isEqualTo("[\"scheduled\",true,3,true]");
        assertThat(rq.text("error(q.enqueue('java.flaky', 'too-few', retry=Retry(max=1)))")).contains("try 2");
        assertThat(TRIES.get("too-few")).hasValue(2);
        assertThat(rq.text("error(q.enqueue('java.flaky', 'none'))")).contains("try 1");
    }

    @Test
    void aJobWithoutRetriesHasThoseOfItsType() throws Exception {
        assertThat(rq.text("get(q.enqueue('java.stubborn', 'own'))")).isEqualTo("3");
    }

    @Test
    void aJobThatTakesTooLongFails() throws Exception {
        assertThat(rq.text("error(q.enqueue('java.sleep', 1, job_timeout=1))")).startsWith("\"failed: ");
    }

    // ---- dependencies ----

    @Test
    void whatDependsOnAJobBeginsBehindIt() throws Exception {
        assertThat(rq.run("""
                first = q.enqueue('java.sleep', 1)
                second = q.enqueue('java.text', 'second', depends_on=first)
                state = [second.get_status(), has(DeferredJobRegistry, second)]
                out = state
                """).toString()).isEqualTo("[\"deferred\",true]");
        GATE.release();
        assertThat(rq.text("get(second) == 'second ' + second.id")).isEqualTo("true");
        assertThat(rq.text("[has(DeferredJobRegistry, second), r.exists(first.dependents_key)]"))
                .isEqualTo("[false,0]");
    }

    @Test
    void dependenciesGoToAndFroBetweenPythonAndJava() throws Exception {
        assertThat(rq.run("""
                a = q.enqueue('java.echo', 20)
                b = py.enqueue('pyjobs.add', 15, 7)
                c = py.enqueue('pyjobs.total', depends_on=[a, b])
                d = q.enqueue('java.echo', 'last', depends_on=c)
                out = [get(d), get(c)]
                """).toString()).isEqualTo("[\"last\",42]");
    }

    @Test
    void aFailureHoldsBackUnlessItIsAllowed() throws Exception {
        rq.run("""
                first = q.enqueue('java.sleep', 1)
                failing = q.enqueue('java.fail', 'x', depends_on=first)
                held = q.enqueue('java.text', 'held', depends_on=failing)
                allowed = q.enqueue('java.text', 'allowed', depends_on=Dependency(jobs=[failing], allow_failure=True))
                """);
        GATE.release();
        assertThat(rq.text("get(allowed) == 'allowed ' + allowed.id")).isEqualTo("true");
        assertThat(rq.text("[held.get_status(), failing.get_status()]")).isEqualTo("[\"deferred\",\"failed\"]");
        assertThat(BEGUN).contains("allowed").doesNotContain("held");
    }

    // ---- registries, ttl, schedules ----

    @Test
    void aRunningJobIsInTheRegistryOfStartedOnes() throws Exception {
        rq.run("job = q.enqueue('java.sleep', 1)");
        Waiting.until("it has begun", () -> BEGUN.size() == 1);
        assertThat(rq.text("[job.get_status(), has(StartedJobRegistry, job), r.zscore('rq:wip:default', job.id) >"
                + " time.time() + 55, q.count, len(q.started_job_registry)]"))
                .isEqualTo("[\"started\",true,true,0,1]");
        GATE.release();
        assertThat(rq.text("get(job)")).isEqualTo("1");
    }

    @Test
    void aJobThatIsNotBegunInItsTimeIsGone() throws Exception {
        worker.quiet();
        Waiting.until("it takes no more", () -> worker.status().state() == QueueWorker.State.QUIET);
        rq.run("gone = q.enqueue('java.text', 'gone', ttl=1); time.sleep(1.1)");
        worker.resume();
        assertThat(rq.text("get(q.enqueue('java.echo', 1))")).isEqualTo("1");
        assertThat(BEGUN).isEmpty();
        assertThat(rq.text("q.count")).isEqualTo("0");
    }

    @Test
    void jobsOfLaterWaitInRqsRegistry() throws Exception {
        assertThat(rq.run("""
                begin = time.time()
                later = q.enqueue_in(timedelta(seconds=2), 'java.text', 'later')
                far = q.enqueue_at(datetime.now(timezone.utc) + timedelta(hours=1), 'java.text', 'far')
                out = [has(ScheduledJobRegistry, later), get(later) == 'later ' + later.id, time.time() - begin >= 1]
                """).toString()).isEqualTo("[true,true,true]");
        assertThat(rq.text("[has(ScheduledJobRegistry, far), has(ScheduledJobRegistry, later)]"))
                .isEqualTo("[true,false]");
        rq.run("far.cancel()");
        assertThat(rq.text("[has(ScheduledJobRegistry, far), has(CanceledJobRegistry, far)]"))
                .isEqualTo("[false,true]");
        assertThat(BEGUN).containsExactly("later");
    }

    @Test
    void aSchedulerOfPythonIsLeftItsWork() throws Exception {
        rq.run("r.set('rq:scheduler-lock:default', 4711, ex=60)"); // one that has the lock
        rq.run("due = q.enqueue_at(datetime.now(timezone.utc) - timedelta(seconds=5), 'java.text', 'due')");
        assertThat(rq.text("get(q.enqueue('java.echo', 1))")).isEqualTo("1");
        assertThat(rq.text("has(ScheduledJobRegistry, due)")).isEqualTo("true");
        rq.run("r.delete('rq:scheduler-lock:default')"); // it has ended
        assertThat(rq.text("get(due) == 'due ' + due.id")).isEqualTo("true");
        assertThat(BEGUN).containsExactly("due");
    }

    // ---- stop and cancel ----

    @Test
    void aRunningJobIsStopped() throws Exception {
        rq.run("job = q.enqueue('java.sleep', 1)");
        Waiting.until("it has begun", () -> BEGUN.size() == 1);
        rq.run("send_stop_job_command(r, job.id, serializer=JSONSerializer)");
        assertThat(rq.text("[status(job, 'stopped'), has(FailedJobRegistry, job), has(StartedJobRegistry, job)]"))
                .isEqualTo("[\"stopped\",true,false]");
        assertThat(rq.text("job.latest_result().exc_string"))
                .isEqualTo("\"rq: Job stopped by user, work-horse terminated.\"");
        assertThat(rq.text("get(q.enqueue('java.echo', 1))")).isEqualTo("1");
    }

    @Test
    void aWaitingJobIsCancelledFromEitherSide() throws Exception {
        rq.run("filling = [q.enqueue('java.sleep', i) for i in range(4)]");
        Waiting.until("the worker is full", () -> BEGUN.size() == 4);
        rq.run("one = q.enqueue('java.text', 'one'); two = q.enqueue('java.text', 'two'); one.cancel()");
        assertThat(broker.cancel(rq.value("two.id").stringValue())).isEqualTo(TaskState.CANCELLED);
        assertThat(broker.cancel(rq.value("one.id").stringValue())).isEqualTo(TaskState.CANCELLED);
        assertThat(rq.text("[has(CanceledJobRegistry, one), has(CanceledJobRegistry, two), two.get_status(), q.count]"))
                .isEqualTo("[true,true,\"canceled\",0]");
        GATE.release(4);
        assertThat(rq.text("[get(each) for each in filling]")).isEqualTo("[0,1,2,3]");
        assertThat(BEGUN).hasSize(4);
    }

    @Test
    void aSuspensionHoldsForWorkersOfJavaToo() throws Exception {
        rq.command("suspend");
        rq.run("job = q.enqueue('java.text', 'held'); time.sleep(0.3)");
        assertThat(BEGUN).isEmpty();
        rq.command("resume");
        assertThat(rq.text("get(job) == 'held ' + job.id")).isEqualTo("true");
    }

    // ---- workers ----

    @Test
    void rqInfoShowsWorkersAndQueues() throws Exception {
        rq.run("job = q.enqueue('java.sleep', 1); other = py.enqueue_in(timedelta(hours=1), 'pyjobs.nothing')");
        Waiting.until("the worker is seen to be busy", () -> rq.command("info", "--raw").lines()
                .anyMatch(line -> line.startsWith("worker " + worker.id() + " (") && line.endsWith(" busy default")));
        assertThat(rq.command("info", "--raw").lines())
                .anyMatch(line -> line.startsWith("worker python-1 (") && line.endsWith(" idle python"))
                .contains("queue default 0", "queue python 0");
        assertThat(rq.text("[w.name for w in Worker.all(queue=q)]")).isEqualTo("[\"" + worker.id() + "\"]");
        assertThat(rq.text("Worker.find_by_key('rq:worker:" + worker.id() + "', connection=r).get_current_job_id()"
                + " == job.id")).isEqualTo("true");
        GATE.release();
        assertThat(rq.text("get(job)")).isEqualTo("1");
        Waiting.until("it counts the job", () -> rq.value("Worker.find_by_key('rq:worker:" + worker.id()
                + "', connection=r).successful_job_count == 1").booleanValue());
        rq.run("other.cancel()");
        assertThat(broker.workers()).extracting(WorkerReport::id).contains(worker.id(), "python-1");
        worker.close();
        assertThat(rq.command("info", "--raw")).doesNotContain(worker.id()).contains("python-1");
    }

    @Test
    void aShutdownCommandEndsTheWorker() throws Exception {
        rq.run("send_command(r, '" + worker.id() + "', 'kill-horse')"); // is passed over
        rq.run("send_command(r, '" + worker.id() + "', 'nonsense', x=1)");
        assertThat(rq.text("get(q.enqueue('java.echo', 1))")).isEqualTo("1");
        rq.run("send_shutdown_command(r, '" + worker.id() + "')");
        Waiting.until("it has ended", () -> worker.status().state() == QueueWorker.State.ENDED);
    }

    // ---- what cannot be served ----

    @Test
    void pickleAndCallbacksOfPythonAreRefused() throws Exception {
        rq.run("""
                bad = [pickled.enqueue('java.echo', 1), q.enqueue('java.echo', 1, on_success=print),
                       q.enqueue('java.echo', 1, on_failure=print)]
                raw = q.enqueue('java.nobody', 1)
                r.hset('rq:job:raw', mapping={'data': b'\\x00\\xff', 'status': 'queued', 'origin': 'default'})
                r.rpush(q.key, 'raw', 'missing')
                good = q.enqueue('java.echo', 2)
                """);
        assertThat(rq.text("get(good)")).isEqualTo("2");
        assertThat(rq.text("[error(q.fetch_job(job.id)) for job in bad]"))
                .contains("the job's data is not JSON: RQ's producers and workers need"
                        + " serializer='rq.serializers.JSONSerializer'",
                        "the job has on_success, a function that only a worker of Python can call",
                        "the job has on_failure");
        assertThat(rq.text("[has(FailedJobRegistry, job) for job in bad] + [r.hget('rq:job:raw', 'status').decode(),"
                + " r.lpos(q.key, 'missing')]")).isEqualTo("[true,true,true,\"failed\",null]");
        assertThat(rq.text("q.get_job_ids() == [raw.id]")).isEqualTo("true");
        rq.run("raw.cancel()");
    }

    @Test
    void whatNobodyKnowsIsLeftForAWhile() throws Exception {
        rq.run("strange = q.enqueue('java.nobody', 1)");
        assertThat(rq.text("get(q.enqueue('java.echo', 1))")).isEqualTo("1");
        assertThat(rq.text("strange.get_status()")).isEqualTo("\"queued\"");
        var limits = new Upkeep.Limits(Duration.ofMillis(300), Duration.ofDays(1), Duration.ofMinutes(1));
        var ended = new AtomicInteger();
        Waiting.until("it is ended", () -> ended.addAndGet(broker.upkeep(limits).unknown()) == 1);
        assertThat(rq.text("error(strange)")).contains("no worker knew the type for too long");
        rq.run("strange = py.enqueue('pyjobs.sleep', 1); behind = py.enqueue('pyjobs.add', 1, 1); time.sleep(0.5)");
        assertThat(broker.upkeep(limits).unknown()).as("a worker of Python is there").isZero();
        assertThat(rq.text("get(behind)")).isEqualTo("2");
    }

    // ---- lost workers ----

    @Test
    void whatALostWorkerHadComesBack() throws Exception {
        worker.close();
        rq.run("lost = q.enqueue('java.text', 'again'); behind = q.enqueue('java.text', 'behind')");
        var request = new ClaimRequest("gone", List.of("default"), Set.of("java.text"), 1, Duration.ofMillis(300));
        assertThat(broker.claim(request).claims()).hasSize(1);
        assertThat(rq.text("[lost.get_status(), lost.get_position()]")).isEqualTo("[\"started\",null]");
        worker = worker(broker);
        assertThat(rq.text("get(lost) == 'again ' + lost.id")).isEqualTo("true");
        assertThat(rq.text("get(behind) == 'behind ' + behind.id")).isEqualTo("true");
    }

    @Test
    void whatAWorkerOfPythonHasLostIsRunByOurs() throws Exception {
        worker.close();
        rq.run("""
                lost = q.enqueue('java.text', 'rescued')
                r.lpop(q.key)
                with r.pipeline() as p:
                    lost.prepare_for_execution('python-gone', p)
                    p.zadd('rq:wip:default', {lost.id: time.time() - 1})
                    p.execute()
                """);
        worker = worker(broker);
        assertThat(rq.text("get(lost) == 'rescued ' + lost.id")).isEqualTo("true");
    }

    @Test
    void nothingStaysBehind() throws Exception {
        rq.run("[get(q.enqueue('java.add', i, i)) for i in range(20)]");
        assertThat(server.repeatable(Server.call(Command.ZCARD, "rq:wip:default"))).isEqualTo(0L);
        assertThat(server.repeatable(Server.call(Command.ZCARD, "sennit.rq:leases"))).isEqualTo(0L);
        assertThat((List<?>) server.repeatable(Server.call(Command.KEYS, "sennit.rq:run:*"))).isEmpty();
    }
}
