package dev.sennit.cli.queues;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.cli.Run;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.WorkerReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands of queues on a file; the one that runs tasks has its tests in {@code QueueCommandsIT}. */
class QueueCommandsTest {
    private static final Duration LEASE = Duration.ofMinutes(1);

    @TempDir
    Path folder;

    private String uri() {
        return "sqlite:" + folder.resolve("jobs.db");
    }

    private Run sennit(String... arguments) {
        return Run.sennit(Stream.concat(Arrays.stream(arguments), Stream.of("--broker", uri())).toArray(String[]::new));
    }

    /** Runs a command that has to succeed. */
    private List<String> lines(String... arguments) {
        Run run = sennit(arguments);
        assertThat(run.err()).isEmpty();
        assertThat(run.exit()).isZero();
        return run.out();
    }

    /** Makes the file, which commands that only look do not. */
    private void make() {
        Broker.open(uri()).close();
    }

    private List<TaskView> tasks() {
        try (Broker broker = Broker.open(uri())) {
            return broker.search(TaskFilter.ALL, 100);
        }
    }

    private List<Claim> claim(Broker broker, int most) {
        return broker.claim(new ClaimRequest("worker-1", List.of(QueuedTask.USUAL_QUEUE), Set.of("work"), most, LEASE))
                .claims();
    }

    private void fail(String message) {
        try (Broker broker = Broker.open(uri())) {
            for (Claim claim : claim(broker, 100)) {
                var error = new ErrorInfo("java.io.IOException", message, "at a.b.C");
                broker.fail(List.of(new Failure(claim.token(), error, new Failure.Die(DeadReason.FAILED))));
            }
        }
    }

    // ---- enqueue ----

    @Test
    void aTaskIsEnqueuedAsTheOptionsSay() {
        String id = lines("enqueue", "work", "{\"a\": 1}", "--queue", "q", "--priority", "9", "--delay", "1h",
                "--key", "customer:3", "--header", "tenant=42").getFirst();
        TaskView task = tasks().getFirst();
        assertThat(task.id()).isEqualTo(id);
        assertThat(task.type()).isEqualTo("work");
        assertThat(task.queue()).isEqualTo("q");
        assertThat(task.priority()).isEqualTo(9);
        assertThat(task.state()).isEqualTo(TaskState.SCHEDULED);
        assertThat(task.key()).isEqualTo("customer");
        assertThat(new String(task.payload(), StandardCharsets.UTF_8)).isEqualTo("{\"a\": 1}");
        assertThat(task.headers()).containsExactly(Map.entry("tenant", "42"));
    }

    @Test
    void eachFileOfAPatternIsATask() throws IOException {
        for (String name : List.of("b.jpg", "a.jpg", "c.txt", "it's \"x\".jpg", ".hidden.jpg")) {
            Files.createFile(folder.resolve(name));
        }
        assertThat(lines("enqueue", "work", "--each", folder + "/*.jpg")).singleElement().asString()
                .startsWith("3 tasks enqueued in default of sqlite:");
        assertThat(tasks()).extracting(task -> new String(task.payload(), StandardCharsets.UTF_8))
                .containsExactlyInAnyOrder("\"" + folder + "/a.jpg\"", "\"" + folder + "/b.jpg\"",
                        "\"" + folder + "/it's \\\"x\\\".jpg\"");
    }

    @Test
    void theArgumentOfEachIsWhereItsPlaceIs() throws IOException {
        Files.createFile(folder.resolve("a.jpg"));
        lines("enqueue", "work", "{\"path\": {}, \"width\": 200}", "--each", folder + "/a.*");
        assertThat(new String(tasks().getFirst().payload(), StandardCharsets.UTF_8))
                .isEqualTo("{\"path\": \"" + folder + "/a.jpg\", \"width\": 200}");
    }

    @Test
    void aTaskWithoutAnArgumentIsSaid() {
        Run run = sennit("enqueue", "work");
        assertThat(run.exit()).isZero();
        assertThat(run.err()).containsExactly("no ARGUMENT is given: the task gets null");
        assertThat(lines("enqueue", "work", "null")).hasSize(1);
    }

    @Test
    void linesWithoutATextAreNotTakenAndSaid() {
        Run run = Run.sennitReading("a\n\n  \nb\n", "enqueue", "work", "--each", "-", "--broker", uri());
        assertThat(run.exit()).isZero();
        assertThat(run.out()).singleElement().asString().startsWith("2 tasks enqueued");
        assertThat(run.err()).containsExactly("2 empty lines of stdin were left out");
    }

    @Test
    void aDuplicateIsSaid() {
        String id = lines("enqueue", "work", "1", "--unique", "one").getFirst();
        assertThat(lines("enqueue", "work", "2", "--unique", "one")).containsExactly(id + " is there already");
        assertThat(lines("enqueue", "work", "2", "--unique", "one", "--json"))
                .containsExactly("{\"id\":\"" + id + "\",\"isDuplicate\":true}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "text | ARGUMENT is no JSON: ",
        "{\"a\": } | ARGUMENT is no JSON: ",
        "1 --priority 10 | priority must be from 0 to 9, was 10",
        "1 --delay 1x | --delay must be a duration such as 500ms, 2s or 10m, was \"1x\"",
        "1 --at tomorrow | --at must be a moment such as 2026-12-24T18:00:00Z, was \"tomorrow\"",
        "1 --delay 1s --at 2026-12-24T18:00:00Z | --delay and --at say two things: give one of them",
        "1 --attempts 0 | attempts must be >= 1, was 0",
        "1 --soft-limit 2s --hard-limit 1s | softLimit must be < hardLimit",
        "1 --key a:0 | limit of key must be >= 1, was 0",
        "1 --header tenant | value for option '--header' (NAME=VALUE) should be in KEY=VALUE format but was tenant",
        "--each no-such-folder/* | --each: there is no folder "
    })
    void badInputOfEnqueueIsOneLineAndEnqueuesNothing(String arguments, String message) {
        String[] words = Stream.concat(Stream.of("enqueue", "work"),
                arguments.startsWith("{") ? Stream.of(arguments) : Arrays.stream(arguments.split(" ")))
                .toArray(String[]::new);
        Run run = sennit(words);
        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).singleElement().asString().startsWith("sennit: ").contains(message);
        assertThat(Files.exists(folder.resolve("jobs.db")) ? tasks() : List.of()).isEmpty();
    }

    @Test
    void waitPrintsResultsAndSaysWhatFailed() throws Exception {
        String id = lines("enqueue", "work", "20").getFirst();
        try (Broker broker = Broker.open(uri())) {
            broker.complete(claim(broker, 1).stream()
                    .map(one -> new Completion(one.token(), "21".getBytes(StandardCharsets.UTF_8),
                            Batch.EMPTY))
                    .toList());
        }
        assertThat(lines("inspect", id)).anyMatch(line -> line.matches("state +succeeded"))
                .anyMatch(line -> line.matches("result +21")).noneMatch(line -> line.startsWith("argument"));
        assertThat(lines("inspect", id, "--json").getFirst()).contains("\"result\":21");
        try (Broker broker = Broker.open(uri())) { // the command finds it done, and another one dead
            broker.enqueue(Batch.of(QueuedTask.of("work", "3".getBytes(StandardCharsets.UTF_8))
                    .unique(new Unique("u", Unique.Until.PERIOD_OVER, Duration.ofHours(1))).build()));
        }
        fail("no luck");
        Run run = sennit("enqueue", "work", "3", "--unique", "u", "--wait");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err()).hasSize(2);
        assertThat(run.err().getFirst()).endsWith(" is there already");
        assertThat(run.err().getLast()).endsWith(" is dead: java.io.IOException: no luck");
        try (Broker broker = Broker.open(uri())) { // the key is taken for an hour, by a task that is not there
            assertThat(broker.purge(TaskFilter.ALL.state(TaskState.DEAD))).isEqualTo(1);
        }
        Run other = sennit("enqueue", "work", "3", "--unique", "u", "--wait");
        assertThat(other.exit()).isEqualTo(1);
        assertThat(other.err()).hasSize(2);
        assertThat(other.err().getLast()).endsWith(" has ended, and its result is not kept");
    }

    // ---- queues ----

    @Test
    void queuesAreCountedPausedLimitedAndEmptied() {
        make();
        assertThat(lines("queues")).containsExactly(uri() + " has no tasks");
        lines("enqueue", "work", "1");
        lines("enqueue", "work", "2", "--delay", "1h");
        assertThat(lines("queues").getFirst())
                .matches("queue +ready +scheduled +held +blocked +running +dead +oldest +workers");
        assertThat(lines("queues").get(1)).matches("default +1 +1 +0 +0 +0 +0 +[0-9.]+ m?s +0");
        assertThat(lines("queues", "pause", "default")).containsExactly("queue default is paused");
        assertThat(lines("queues").get(1)).endsWith("  paused");
        assertThat(lines("queues", "--json").getFirst()).matches("\\{\"queue\":\"default\",\"ready\":1,\"scheduled\":1,"
                + "\"held\":0,\"blocked\":0,\"running\":0,\"dead\":0,\"oldestSeconds\":[0-9.E-]+,\"workers\":0,"
                + "\"isPaused\":true,\"unknownTypes\":null}");
        assertThat(lines("queues", "resume", "default")).containsExactly("queue default is resumed");
        assertThat(lines("queues", "resume", "default"))
                .containsExactly("queue default was not paused, and goes on");
        assertThat(lines("queues", "pause", "work", "--type")).containsExactly("type work is paused");
        assertThat(lines("queues", "limit", "work", "100", "1m"))
                .containsExactly("type work is limited to 100 in 60 s");
        assertThat(lines("queues")).contains("type work is paused", "type work is limited to 100 in 60 s");
        assertThat(lines("queues", "--json").getLast()).isEqualTo("{\"type\":\"work\",\"isPaused\":true,"
                + "\"limit\":{\"tasks\":100,\"periodSeconds\":60.0,\"burst\":1}}");
        assertThat(lines("queues", "limit", "work", "none")).containsExactly("type work has no limit");
        assertThat(lines("queues", "purge", "default")).containsExactly("2 tasks removed");
        assertThat(tasks()).isEmpty();
    }

    @Test
    void aPauseOfWhatIsNotThereYetIsSaid() {
        make();
        assertThat(lines("queues", "pause", "nowhere"))
                .containsExactly("queue nowhere is paused; no queue of this name is known now");
        assertThat(lines("queues", "pause", "nothing", "--type"))
                .containsExactly("type nothing is paused; no type of this name is known now");
        try (Broker broker = Broker.open(uri())) {
            broker.report(new WorkerReport("w1", "host", 1, "running", "threads:1", 1, List.of("images:1"),
                    Set.of("thumbs"), List.of(), 0, 0, broker.now(), broker.now()));
        }
        assertThat(lines("queues", "pause", "images")).containsExactly("queue images is paused");
        assertThat(lines("queues", "pause", "thumbs", "--type")).containsExactly("type thumbs is paused");
    }

    @ParameterizedTest
    @ValueSource(strings = {"queues", "inspect", "dead", "beat list"})
    void aCommandThatLooksMakesNoFile(String command) {
        Run run = sennit(command.split(" "));
        assertThat(run.exit()).isEqualTo(3);
        assertThat(run.err()).containsExactly(
                "sennit: " + uri() + ": there is no such file; the first worker or sennit enqueue makes it");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void queuesTellHowManyWorkersTakeThemAndWhichTypesTheyDoNotKnow() {
        lines("enqueue", "work", "1");
        lines("enqueue", "other", "1");
        lines("enqueue", "other", "2");
        lines("enqueue", "work", "1", "--queue", "mail");
        try (Broker broker = Broker.open(uri())) {
            broker.report(new WorkerReport("w1", "host", 1, "running", "threads:1", 1, List.of("default:1"),
                    Set.of("work"), List.of(), 0, 0, broker.now(), broker.now()));
        }
        List<String> lines = lines("queues");
        assertThat(lines).hasSize(4);
        assertThat(lines.get(1)).matches("default +3 .* 1");
        assertThat(lines.get(2)).matches("mail +1 .* 0");
        assertThat(lines.get(3)).isEqualTo("queue default has tasks of type other, which none of its workers knows");
        assertThat(lines("queues", "--json").getFirst()).contains("\"workers\":1", "\"unknownTypes\":[\"other\"]");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "limit work x | N must be a whole number or none, was \"x\"",
        "limit work 0 | tasks and burst must be >= 1, were 0 and 1",
        "limit work 1 soon | TIME must be a duration such as 500ms, 2s or 10m, was \"soon\"",
        "pause | missing required parameter: 'NAME'; see sennit queues pause --help"
    })
    void badInputOfQueuesIsOneLine(String arguments, String message) {
        Run run =
                sennit(Stream.concat(Stream.of("queues"), Arrays.stream(arguments.split(" "))).toArray(String[]::new));
        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).containsExactly("sennit: " + message);
    }

    @Test
    void topShowsQueuesWorkersAndRunningTasks() {
        assertThat(Run.sennit("top", uri()).err()).containsExactly(
                "sennit: " + uri() + ": there is no such file; the first worker or sennit enqueue makes it");
        lines("enqueue", "work", "1");
        lines("enqueue", "work", "2");
        try (Broker broker = Broker.open(uri())) {
            broker.report(new WorkerReport("w1", "host", 1, "running", "threads:1", 1, List.of("default:1"),
                    Set.of("work"), List.of(), 0, 0, broker.now(), broker.now()));
            Claim claim = claim(broker, 1).getFirst();
            broker.extend(List.of(new Renewal(claim.token(), null, new Progress(3, 4, "page 3"))), LEASE);
        }
        Run run = Run.sennit("top", uri(), "--count", "1", "--every", "100ms");
        assertThat(run.exit()).isZero();
        assertThat(run.out()).anyMatch(line -> line.matches("..:..:..  default +1 .* 1 +0 .* 1"))
                .anyMatch(line -> line.matches("..:..:..  w1 +1 +running +threads:1 .*"))
                .anyMatch(line -> line.matches("..:..:..  .* work .* worker-1 +3 of 4, page 3"));
        assertThat(Run.sennit("top", uri(), "--count", "1", "--every", "100ms", "--json").out())
                .anyMatch(line -> line.contains("\"ready\":1"))
                .anyMatch(line -> line.contains("\"worker\":\"w1\""))
                .anyMatch(line -> line.contains("\"message\":\"page 3\""));
    }

    // ---- dead ----

    @Test
    void deadTasksAreListedReplayedAndRemoved() {
        make();
        assertThat(lines("dead")).containsExactly(uri() + " has no dead tasks");
        String id = lines("enqueue", "work", "\"a.jpg\"").getFirst();
        lines("enqueue", "work", "\"b.jpg\"");
        fail("disk is full: password=hunter2");
        List<String> dead = lines("dead");
        assertThat(dead).hasSize(3);
        assertThat(dead.get(1)).contains(id, "failed", "\"a.jpg\"", "java.io.IOException: disk is full: password=***");
        assertThat(lines("dead", "--text", "b.jpg")).hasSize(2);
        assertThat(lines("dead", "--reason", "crashed")).containsExactly(uri() + " has no dead tasks");
        assertThat(lines("dead", "--json").getFirst()).contains("\"state\":\"dead\"", "\"payload\":\"a.jpg\"")
                .doesNotContain("hunter2");
        assertThat(lines("dead", "--replay", id, "--argument", "\"c.jpg\"")).containsExactly("1 task replayed");
        assertThat(tasks()).filteredOn(task -> task.id().equals(id)).singleElement()
                .satisfies(task -> {
                    assertThat(task.state()).isEqualTo(TaskState.READY);
                    assertThat(new String(task.payload(), StandardCharsets.UTF_8)).isEqualTo("\"c.jpg\"");
                });
        assertThat(lines("dead", "--purge")).containsExactly("1 task removed");
        fail("no luck");
        assertThat(lines("dead", "--replay", "--json")).containsExactly("{\"replayed\":1}");
        assertThat(lines("dead", "--purge", "--json")).containsExactly("{\"removed\":0}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"dead --replay | 1 task replayed", "dead --purge | 1 task removed"})
    void aTaskThatIsNotDeadIsSaid(String command, String done) {
        String dead = lines("enqueue", "work", "1").getFirst();
        fail("no luck");
        String ready = lines("enqueue", "work", "2").getFirst();
        Run run = sennit(Stream.concat(Arrays.stream(command.split(" ")), Stream.of("nothing", dead, ready))
                .toArray(String[]::new));
        assertThat(run.out()).containsExactly(done);
        assertThat(run.err()).containsExactly("sennit: no dead task nothing is known",
                "sennit: task " + ready + " is not dead: it is ready");
        assertThat(run.exit()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--reason bored | --reason: there is no reason \"bored\": expected one of failed, "
                + "crashed, lost, timed-out, unknown-type, unreadable",
        "--argument 1 | --argument goes with --replay"
    })
    void badInputOfDeadIsOneLine(String arguments, String message) {
        Run run = sennit(Stream.concat(Stream.of("dead"), Arrays.stream(arguments.split(" "))).toArray(String[]::new));
        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).containsExactly("sennit: " + message);
    }

    // ---- inspect ----

    @Test
    void whatRunsIsShownAndCancelled() {
        String id = lines("enqueue", "work", "1", "--key", "tenant").getFirst();
        String later = lines("enqueue", "work", "2", "--delay", "1h").getFirst();
        assertThat(lines("inspect")).containsExactly("no worker lives", "no task runs");
        try (Broker broker = Broker.open(uri())) {
            assertThat(claim(broker, 10)).hasSize(1);
        }
        assertThat(lines("inspect").getLast()).matches(id + " +work +default +running .* worker-1 +-");
        assertThat(lines("inspect", "--state", "scheduled,ready").getLast()).startsWith(later);
        assertThat(lines("inspect", id)).anyMatch(line -> line.matches("queue +default, priority 5, key tenant"))
                .anyMatch(line -> line.matches("attempts +1, of which 0 failed and 0 lost their worker"));
        assertThat(lines("inspect", id, "--cancel")).containsExactly(id + " runs, and is to stop");
        assertThat(lines("inspect", later, "--cancel")).containsExactly(later + " is cancelled");
        assertThat(lines("inspect", "--state", "running", "--json").getFirst())
                .startsWith("{\"id\":\"" + id + "\",\"type\":\"work\"");
    }

    @Test
    void aWorkerIsAskedByItsNameOrItsId() {
        make();
        String one = QueuedTask.newId();
        String two = QueuedTask.newId();
        List<ControlMessage> asked = new CopyOnWriteArrayList<>();
        try (Broker broker = Broker.open(uri())) {
            for (String id : List.of("w1-" + one, "w1-" + two, "w1-b-" + one)) {
                broker.report(new WorkerReport(id, "host", 1, "running", "threads:1", 1, List.of("default:1"),
                        Set.of("work"), List.of(), 0, 0, broker.now(), broker.now()));
            }
            try (Broker.Subscription subscription = broker.subscribe(
                    new BrokerListener.Interest(Set.of(), null, "w1-" + one), new BrokerListener() {
                        @Override
                        public void control(ControlMessage message) {
                            asked.add(message);
                        }
                    })) {
                assertThat(lines("inspect", "--ask", "quiet", "--worker", "w1"))
                        .containsExactlyInAnyOrder("quiet was sent to w1-" + one, "quiet was sent to w1-" + two);
                assertThat(lines("inspect", "--ask", "quiet", "--worker", "w1-b"))
                        .containsExactly("quiet was sent to w1-b-" + one);
                assertThat(lines("inspect", "--ask", "resume", "--worker", "w1-" + one))
                        .containsExactly("resume was sent to w1-" + one);
                await().atMost(Duration.ofSeconds(60)).untilAsserted(
                        () -> assertThat(asked).extracting(ControlMessage::command).contains("quiet", "resume"));
                assertThat(subscription).isNotNull();
            }
            assertThat(asked).filteredOn(message -> message.worker() != null).extracting(ControlMessage::worker)
                    .contains("w1-" + one);
        }
        Run run = sennit("inspect", "--ask", "quiet", "--worker", "w2");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).containsExactly("sennit: no worker w2 is known: sennit inspect shows those that live");
    }

    @Test
    void aTaskThatIsNotKnownIsSaid() {
        make();
        Run run = sennit("inspect", "nothing");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err()).containsExactly("sennit: no task nothing is known: it may have ended long ago");
        assertThat(sennit("inspect", "--state", "odd").err())
                .containsExactly("sennit: --state: there is no state \"odd\":"
                        + " expected one of ready, scheduled, blocked, held, running, succeeded, dead, cancelled, "
                        + "expired");
        assertThat(sennit("inspect", "--cancel").exit()).isEqualTo(2);
    }

    // ---- events ----

    @Test
    void eventsThatHappenAreTold() throws Exception {
        try (Broker broker = Broker.open(uri())) {
            broker.keepEvents(Duration.ofMinutes(1));
            var enqueuer = new Thread(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    broker.enqueue(Batch.of(
                            QueuedTask.of("work", "1".getBytes(StandardCharsets.UTF_8)).build()));
                    Thread.onSpinWait();
                }
            });
            enqueuer.start();
            try {
                assertThat(lines("events", "--for", "300ms", "--json"))
                        .anyMatch(line -> line.contains("\"kind\":\"enqueued\"") && line.contains("\"type\":\"work\""));
                assertThat(lines("events", "--for", "1ms", "--type", "other")).isEmpty();
            } finally {
                enqueuer.interrupt();
                enqueuer.join();
            }
        }
    }

    // ---- beat ----

    @Test
    void schedulesAreAddedPausedRunAndRemoved() {
        make();
        assertThat(lines("beat", "list")).containsExactly(uri() + " has no schedules");
        assertThat(lines("beat", "put", "nightly", "0 3 * * *", "work", "{\"a\": 1}", "--zone", "Europe/Vienna",
                "--queue", "q")).singleElement().asString().matches("nightly is due next at \\d{4}-.*T0[12]:00:00Z");
        assertThat(lines("beat", "put", "often", "10m", "work")).singleElement().asString()
                .startsWith("often is due next at ");
        assertThat(lines("beat", "list")).hasSize(3)
                .anyMatch(line -> line.matches("often +every PT10M +Z +work +once +skip +\\d{4}-\\S+Z +-"));
        assertThat(lines("beat", "pause", "nightly")).containsExactly("nightly is paused");
        assertThat(lines("beat", "list", "--json").getFirst())
                .contains("\"name\":\"nightly\"", "\"isPaused\":true", "\"zone\":\"Europe/Vienna\"");
        assertThat(lines("beat", "resume", "nightly")).containsExactly("nightly is resumed");
        assertThat(lines("beat", "resume", "nightly")).containsExactly("nightly was not paused, and goes on");
        String id = lines("beat", "run", "nightly").getFirst();
        assertThat(tasks()).singleElement().satisfies(task -> {
            assertThat(task.id()).isEqualTo(id);
            assertThat(task.queue()).isEqualTo("q");
            assertThat(new String(task.payload(), StandardCharsets.UTF_8)).isEqualTo("{\"a\":1}");
        });
        assertThat(lines("beat", "remove", "nightly")).containsExactly("nightly is removed");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "put;x;0 25 * * *;work | hour",
        "put;x;0s;work | period must be >= 1 ms",
        "put;x;0 3 * * *;work;--zone;Mars | --zone: \"Mars\" is not known: write it as in Europe/Vienna",
        "put;x;1m;work;--missed;twice | --missed: \"twice\" is none of its words; see sennit beat put --help",
        "put;x;1m;work;text | ARGUMENT is no JSON: ",
        "pause;x | there is no schedule x: there are none",
        "remove;x | there is no schedule x: sennit beat list shows all"
    })
    void badInputOfBeatIsOneLine(String arguments, String message) {
        Run run = sennit(Stream.concat(Stream.of("beat"), Arrays.stream(arguments.split(";"))).toArray(String[]::new));
        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).singleElement().asString().startsWith("sennit: ").contains(message);
    }

    // ---- the broker ----

    @ParameterizedTest
    @ValueSource(strings = {
        "nope:x", "jobs.db", "sqlite:", "sqlite:/no/such/folder/jobs.db", "sqlite:/", "sqlite:jobs.db?speed=high",
        "nope://me:hunter2@localhost/x", "sqlite:x?password=hunter2&password=hunter2"
    })
    void aBrokerThatCannotBeOpenedIsOneLineWithoutItsPassword(String address) {
        for (List<String> command : List.of(List.of("queues"), List.of("enqueue", "work"), List.of("inspect"),
                List.of("dead"), List.of("events"), List.of("worker"))) {
            Run run =
                    Run.sennit(Stream.concat(command.stream(), Stream.of("--broker", address)).toArray(String[]::new));
            assertThat(run.exit()).as("%s of %s", command, address).isEqualTo(3);
            assertThat(run.out()).isEmpty();
            assertThat(run.err()).singleElement().asString().startsWith("sennit: ").doesNotContain("hunter2");
        }
    }

    @Test
    void noBrokerIsBadUsage() {
        Run run = Run.sennit("queues");
        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).containsExactly("sennit: no broker is named: give --broker URI, such as --broker "
                + "sqlite:jobs.db, or set SENNIT_BROKER");
    }

    @Test
    void aKeyWithoutALimitTakesTurnsOnly() {
        lines("enqueue", "work", "1", "--key", "http://a:b");
        lines("enqueue", "work", "1", "--key", "tenant:2");
        assertThat(tasks()).extracting(TaskView::key).containsExactlyInAnyOrder("http://a:b", "tenant");
        assertThat(KeyLimit.UNLIMITED).isGreaterThan(1_000_000);
    }
}
