package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.testing.server.ServerKind;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs every example, as a reader would. {@code ./test full} runs each in a JVM of its own; {@code ./test} runs those
 * that need none in one JVM, which takes half the processor time.
 */
class ExamplesIT {
    /** What each prints, as a regular expression that has to be found. An example without a line here fails. */
    private static final Map<String, String> PRINTS = new TreeMap<>(Map.ofEntries(
            Map.entry("channels.ActorBankAccount",
                    "^left: 750\\Rrefused: java.lang.IllegalArgumentException: only 750 left, wanted 1000$"),
            Map.entry("pools.AsynchronousCalls", "^100\\R140\\R220$"),
            Map.entry("pools.Backpressure",
                    "reject: pool small is full: 1 running, 2 queued.*\\Rblock: room after \\d+ ms"
                            + "\\Rcaller-runs: ran in thread main"),
            Map.entry("coroutines.BlockingHttp", "^\\Q[sun in Rome, sun in Oslo, sun in Lima]\\E$"),
            Map.entry("coroutines.BlockingJdbc", "^\\Q[30 fig, 40 pear, 50 apple]\\E$"),
            Map.entry("pools.BoundedVirtual", "^1000 tasks, at most ([1-9]|[1-4]\\d|50) at a time$"),
            Map.entry("pools.Callbacks", "^sum 6$"),
            Map.entry("pools.CancelBusyLoop",
                    "cancelled: true\\Rnext task: in another worker: true, the first is alive: false"),
            Map.entry("pools.ChoosePlan",
                    "inline ran in thread main\\Rthreads:2 .*worker-\\d\\Rvirtual ran in virtual thread .*"
                            + "\\Rprocesses:1 ran in thread .*worker-1"),
            Map.entry("context.CarriedContext",
                    "^\\Q[Ada] pays on threads:1\\E\\R\\Q[Ada] pays on virtual\\E\\R\\Q[Ada] pays on "
                            + "loop\\E\\R\\Q[Ada] pays on processes:1\\E\\R\\Q[nobody] pays on processes:1\\E$"),
            Map.entry("pools.CompletionOrder", "done after 1 ms\\Rdone after 300 ms\\Rdone after 600 ms"),
            Map.entry("processes.CrashIsolation",
                    "exited with code 7 while it ran task .*CrashIsolation.*\\Rnext task: done"),
            Map.entry("coroutines.DatagramEcho", "^hello, at attempt \\d\\Ris anybody there, at attempt \\d$"),
            Map.entry("coroutines.FileServer",
                    "^\\QHTTP/1.0 200 OK, 1300000 bytes\\E\\R\\QHTTP/1.0 404 Not Found, 0 bytes\\E\\R"
                            + "\\QHTTP/1.0 400 Bad Request, 0 bytes\\E$"),
            Map.entry("testing.ExploredBankAccount", "^java.lang.AssertionError: balance (50|150), should be 100(?s:.*)"
                    + " step +body +deposit \\(1\\) +withdrawal \\(2\\)(?s:.*) :\\d+ Thread.yield(?s:.*)"
                    + "again the same: true\\Rwith a lock: nothing found in 10000 schedules$"),
            Map.entry("pools.DrainOnSignal", "^4 of 4 orders are done$"),
            Map.entry("pools.FastestAnswer", "^answer from the second mirror$"),
            Map.entry("pools.HelloPool", "ran on processes:1, in this process: false"),
            Map.entry("pools.LazyMapping", "cube 1\\Rcube 8\\Rcube 27\\Rcube 64\\Rcube 125\\R"),
            Map.entry("managers.ManagerMap", "^\\{a=3, is=2, rose=3}$"),
            Map.entry("managers.ManagerOwnClass", "^20 different, then ticket 21$"),
            Map.entry("pools.MapInOrder", "\\Q[1, 4, 9, 16, 25, 36, 49, 64, 81, 100]\\E"),
            Map.entry("pools.ManyItems",
                    "^powers \\Q[256.0, 81.0, 1000.0]\\E\\Rchunks 4\\R(?=(?s:.*)^the last square is 1000000$)"
                            + "(?s:.*)^failed with .*For input string: \"two\"$"),
            Map.entry("processes.SpinnerProcess",
                    "^spinner: WorkerProcess\\[spinner, pid \\d+, runs](?s:.*)[|/\\\\-] "
                            + "thinking!(?s:.*)\\rAnswer: 42$"),
            Map.entry("shared.PrimesOverQueues",
                    "^Checking 20 numbers with \\d+ processes:(?s:.*)^20 checks in \\d+[.]\\d\\ds$"),
            Map.entry("shared.PrimeByParts",
                    "^ {15}2  P\\R {14}25 +\\R3333333333333333 +\\R6666667141414921 +\\R5000111000222021  P$"),
            Map.entry("pools.SumsEverywhere",
                    "(total \\d+) on inline, CPU \\d+ %, 8 tasks.*\\R\\1 on threads:2, CPU \\d+ %.*\\R"
                            + "\\1 on virtual, CPU \\d+ %.*\\R\\1 on loop, CPU \\d+ %.*\\R"
                            + "\\1 on processes:2, CPU \\d+ %, \\d+ tasks, 0 failed, run \\d+ ms, queued \\d+ ms$"),
            Map.entry("processes.InitializedWorkers", "loaded en-es(?s:.*)^cuerda nudo hebra, here: \\[\\]$"),
            Map.entry("processes.MemoryCaps",
                    "OutOfMemoryError: Cannot reserve .* direct buffer memory.*\\R.*WorkerCrashedException: worker .*"
                            + " of resident memory, more than the limit of 200 MB, and was killed while "
                            + ".*\\Rnext task: done"),
            Map.entry("context.LoggedContext",
                    "^order 17 on threads:1\\Rorder 17 on virtual\\Rorder 17 on loop\\Rorder 17 on processes:1"
                            + "\\Rorder null without a context$"),
            Map.entry("context.TracedTasks",
                    "^(4bf92f3577b34da6a3ce929d0e0e4736) on threads:1\\R\\1 on virtual\\R\\1 on loop\\R\\1 "
                            + "on processes:1$"),
            Map.entry("testing.KilledServer", "^before: 3\\Rafter: 3$"),
            Map.entry("testing.SpoiledConnections",
                    "^\\Q[1, 4, 9, 16, 25, 36, 49, 64, 81, 100]\\E\\Rconnections: [1-9]\\d+, cut: [1-9]\\d*$"),
            Map.entry("testing.LeaseOfAnHour", "^the lease is over at 2026-01-01T01:00:00Z"
                    + "\\Rafter half an hour: nothing found in 1000 schedules$"),
            Map.entry("processes.MemoryLimit", "exit code 3: .*ran out of memory \\(heap limit 32m\\)"),
            Map.entry("pools.NestedTasks", "fibonacci\\(15\\) = 610"),
            Map.entry("pools.PlainExecutorService", "^sum 6$"),
            Map.entry("processes.RecycledWorkers", "^ran in 3 processes, lost: 0\\Rreplaced: true$"),
            Map.entry("channels.ProducerAndConsumers", "^all of them: 5050$"),
            Map.entry("coroutines.ReloadOnSignal", "^reads its settings again\\Rends in good order$"),
            Map.entry("processes.RemoteFailure",
                    "NumberFormatException(?s:.*)RemoteFailure\\.lambda(?s:.*)submitted by(?s:.*)"
                            + "RemoteFailure\\.main"),
            Map.entry("channels.SelectWithTimeout",
                    "^(?=(?s:.*)served tea\\R)(?=(?s:.*)served cake\\R)(?=(?s:.*)sorry about the cold "
                            + "tea\\R)(?s:.*)closing time$"),
            Map.entry("shared.SharedArrayResult", "^root of 998001: 999.0\\Rsum of all: 666666166$"),
            Map.entry("shared.SharedCounter", "^counted to 10000$"),
            Map.entry("shared.SharedListOfSettings", "^hello!hello!\\Rgood night!\\R\\Q[good night, 1, true, 0.5]\\E$"),
            Map.entry("shared.SharedBarrierRounds", "^after 1000 rounds: 47 degrees in the middle$"),
            Map.entry("shared.SharedLockCounter", "^1000 1000\\Ra worker died\\Rrepairing 1001 1000\\R1001 1001$"),
            Map.entry("coroutines.ShoutingEcho",
                    "^HELLO!\\RIS ANYBODY THERE!\\RBYE!\\RTR.S BIEN!\\R4 connections, 38 bytes$"),
            Map.entry("pools.ShutdownNow", "given back: 1\\Rcancelled: true true"),
            Map.entry("pools.Statistics", "100 submitted, 90 succeeded, 10 failed"),
            Map.entry("coroutines.TenThousandSleepers", "^10000 slept for a second each: [1-9]\\d*[.]\\d s$"),
            Map.entry("pools.TimeLimit", "task report ran longer than 100 ms"),
            Map.entry("retries.RetryBackoffs",
                    "bounded: 100 ms, 200 ms, 400 ms, 800 ms, 1000 ms, 1000 ms\\Rfull jitter: 84 ms"),
            Map.entry("retries.RetryCallbacks", "attempt 1\\Rfailed\\Rwaiting 1 ms\\R(?s:.*)returned answer"
                    + "\\RRetryStatistics\\[calls=1, attempts=3"),
            Map.entry("retries.RetryCalls",
                    "answer to call 3\\Rgave up after 3 attempts\\R1: java.io.IOException: no answer to call 1"),
            Map.entry("retries.RetryConditions", "status: 200\\Rat once: gone, before it: reset\\Rstate: ready"),
            Map.entry("retries.RetryStops", "attempts: 5\\Rtime: 1\\Rshutdown: 2"),
            Map.entry("services.PrinterServices",
                    "colour\\(0\\) out: colour 0 prints page 1\\R(?=(?s:.*)grey\\(1\\) DIED(?s:.*)grey\\(1\\) READY)"
                            + "(?s:.*)^grey\\(1\\) was killed and is back: another process true, restarts 1\\R"
                            + "(?s:.*)^grey\\(0\\) has not noticed, restarts 0\\R"
                            + "(?s:.*)colour\\(0\\) out: colour 0 ends after page \\d+\\R"
                            + "(?s:.*)^all have ended, exit code 0$"),
            Map.entry("services.ReloadAndScale",
                    "^at the start: 2\\R(?s:.*)^more: 5\\R(?s:.*)^reloaded: 5\\R(?s:.*)^less: 1\\R"
                            + "(?s:.*)^left is clerk\\(0\\), the same process: true\\R(?s:.*)^restarts: 0$"),
            Map.entry("services.ServicesOverSharedQueue",
                    "^1 consumer\\R(?s:.*)^3 consumers\\R(?s:.*)^600 of 600 numbers were consumed once\\R"
                            + "(?s:.*)^exit code 0$"),
            Map.entry("rest.HttpClients", "^way +requests .*\\Rone by one +100 .* (\\d+)\\Rthreads +100 .* \\1\\R"
                    + "coroutines +100 .* \\1\\Rfutures +100 .* \\1\\Rstream +1 .* \\1$"),
            Map.entry("rest.OrderEvents", "^unseen: 428\\Rnew: 204\\Rnot modified: 304\\Rthe stream: data: 7\\R"
                    + "invoice for order 7$"),
            Map.entry("services.ServletGreetings",
                    "^hello ann\\R(?s:.*)^echo: hi\\R(?s:.*)^told on the reload: 1001 going away\\R(?s:.*)^hello ben$"),
            Map.entry("services.WebFiles",
                    "^200 \"<h1>Welcome</h1>\"\\R(?s:.*)^304 \"\"\\R(?s:.*)^206 \"Welcome\"$"),
            Map.entry("services.WebGreetings",
                    "^hello ann\\R(?s:.*)^all were answered: true, by more than one process: true$"),
            Map.entry("context.ScopedTasks", "Ada has 3 orders\\RFor input string: \"three\"; the other: CANCELLED"),
            Map.entry("context.TimeLimits", "cleaned up\\Rnot done after 50 ms"),
            Map.entry("pools.GrowingPool", "busy: 4 threads\\Ridle: 1 thread"),
            Map.entry("retries.RetriedTask", "succeeded at attempt 2, tried again 1 time"),
            Map.entry("pools.DelaysAndPriorities", "urgent\\Rordinary\\Rwhenever\\Rlater"),
            Map.entry("synchronizers.BankAccount",
                    "withdrawal reads 100\\Rdeposit reads 100\\Rdeposit writes 150\\Rwithdrawal writes 70"
                            + "\\Rwithout a lock: 70, should be 120"
                            + "\\Rwithdrawal reads 100\\Rwithdrawal writes 70\\Rdeposit reads 70\\Rdeposit writes "
                            + "120\\Rwith a lock: 120"),
            Map.entry("synchronizers.ProducerConsumerBySemaphore", "^consumed: 55, free places: 3$"),
            Map.entry("synchronizers.ProducerConsumerByEvent", "^consumed: 55$"),
            Map.entry("synchronizers.ProducerConsumerByCondition", "^consumed: 465$"),
            Map.entry("pipelines.ThumbnailsOverQueue",
                    "(?=(?s:.*)^downloads-worker-\\d [\\d:.]+ INFO downloaded /1.jpg, \\d+ bytes$)"
                            + "(?=(?s:.*)^\\S+ [\\d:.]+ INFO made /6.jpg of 200x150$)"
                            + "(?s:.*)^6 pictures: (\\d+) bytes served, \\1 in, [1-9]\\d+ out$"),
            Map.entry("shared.CountUnderLock", "^counted to 100$"),
            Map.entry("synchronizers.QueueOfJobs", "all done: 5050"),
            Map.entry("shared.SharedJobQueue", "^8 numbers checked, 6 primes$"),
            Map.entry("pools.EveryNowAndThen", "beat 1\\Rbeat 2\\Rbeat 3\\Rtask +runs.*\\Rrare .*disabled"),
            Map.entry("queues.CeleryOnRabbitMq",
                    "^RUNNING for thumbs.make\\Rthumbnails with widths \\[200, 64, 32]\\RPython has ended with 0$"),
            Map.entry("queues.CeleryOnRedis",
                    "^RUNNING for thumbs.make\\Rthumbnails with widths \\[200, 64, 32]\\RPython has ended with 0$"),
            Map.entry("queues.ChainOfTasks",
                    "^counted to 7\\Rpage.fetch\\Rpage.words\\Rpage.letters\\Rwords and letters: \\[7, 24]$"),
            Map.entry("queues.ChordOfWords", "^\\{a=3, is=2, rose=3}$"),
            Map.entry("queues.ChunksOfNumbers", "^workflow of 10 tasks, 1000 results, the last is 1000000$"),
            Map.entry("queues.JobsOfRq", "^Python has got: a.jpg.256 DONE\\Rtasks in Java: 2$"),
            Map.entry("queues.NightlySchedule",
                    "^clean /tmp at 2026-03-28T02:30\\Rclean /tmp at 2026-03-29T03:00\\R"
                            + "clean /tmp at 2026-03-30T02:30\\Rnext: 2026-03-31T02:30\\+02:00\\[Europe/Vienna]$"),
            Map.entry("queues.QueueWorkerService",
                    "^sum of squares: 338350\\R(?s:.*)^with one killed: 338350$"),
            Map.entry("queues.TasksInRabbitmq", "^now: 6\\Rno tasks that are due later \\(DELAY\\): add .*\\R"
                    + "now: 6\\Rlater: 7$"),
            Map.entry("queues.ReplayedPart",
                    "(?=(?s:.*)^failed: true$)(?=(?s:.*)^alarm: disk.store FAILED, java.lang.IllegalStateException: "
                            + "no space left for rather long$)(?s:.*)^1 replayed: stored \\[5, 11]$"),
            Map.entry("pools.RandomNumbers",
                    "(\\[.*\\]) on inline\\R\\1 on threads:3\\R\\1 on virtual\\R\\1 on processes:2"),
            Map.entry("pools.WaitForFirst", "1 done, 1 cancelled: quick"),
            Map.entry("coroutines.Watchdog", "^invoice holds shop in computeAnInvoice\\Rthe next coroutine, at last$"),
            Map.entry("processes.WhatCanTravel", "there 2, here 1\\R.*captures \\w+, a java.lang.Object"),
            Map.entry("processes.OwnProcess",
                    "\\[good] hello\\Rgood ended with 0\\Rbad ended with 1: out of paper\\Rstuck ended with -9"),
            Map.entry("pipes.KnockAtAListener", "a visitor asks: anybody in\\?\\R\\[visitor] come in"),
            Map.entry("pipes.PingPong",
                    "\\[ping] ball 1 is back\\R\\[ping] ball 2 is back\\R\\[ping] ball 3 is back\\Rexit codes: 0 0"),
            Map.entry("pipes.WaitAnyConnection", "\\Qgot [10, 11, 20, 21, 30, 31]\\E"),
            Map.entry("pipes.JobsOverPipes",
                    "^2 P\\R9\\R142702110479723 P\\R299593572317531 P\\R3333333333333301 P\\R5000111000222021 P$"),
            Map.entry("pipelines.WordsInStages",
                    "^item 1: no text\\R\\{a=4, is=5, it=2, or=1, red=2, rose=5, the=1}\\R4 in, 3 out, 1 "
                            + "failed in fetch$"),
            Map.entry("processes.WorkerLines", "printers-worker-1 out: hello")));

    private static final Path SOURCES = Path.of("src/main/java/dev/sennit/examples");

    /**
     * The line of an example that logs, as logback.xml has it, and how java.util.logging tells of a worker that the
     * library has lost. Neither is a complaint.
     */
    private static final Pattern LOG_LINE = Pattern.compile(
            "^(\\[[^]]+] )?\\d\\d:\\d\\d:\\d\\d\\.\\d{3} INFO +\\[[^]]+] .*LoggedContext - .*\\R?|^.* "
                    + "dev\\.sennit\\..*\\R(INFO|WARNING): .*\\R?",
            Pattern.MULTILINE);

    /** Another class path, another end, signals, another input. */
    private static final Pattern NEEDS_A_JVM =
            Pattern.compile("import org\\.slf4j\\.|addShutdownHook|Signals\\.|System\\.(exit|in|set)\\w*\\b");

    private static SharedJvm shared;

    @BeforeAll
    static void share() {
        shared = new SharedJvm(classPath(false), Duration.ofMinutes(1));
    }

    @AfterAll
    static void endShared() throws Exception {
        shared.close();
    }

    private static String complaints(Run run) {
        return LOG_LINE.matcher(run.errors()).replaceAll("");
    }

    static Stream<String> names() {
        return PRINTS.keySet().stream();
    }

    static Stream<String> namesOfThoseThatTakeAPlan() {
        return names().filter(name -> source(name).contains("arguments[0]"));
    }

    @ParameterizedTest
    @MethodSource("names")
    void printsWhatItPromises(String name) throws Exception {
        if (Boolean.getBoolean("sennit.servers.optional") && source(name).contains("TestServer.redis()")) {
            Assumptions.assumeTrue(ServerKind.REDIS.isInstalled(), () -> ServerKind.REDIS.obstacle().orElseThrow());
        }
        if (Boolean.getBoolean("sennit.servers.optional") && source(name).contains("TestServer.rabbitmq()")) {
            Assumptions.assumeTrue(ServerKind.RABBITMQ.isInstalled(),
                    () -> ServerKind.RABBITMQ.obstacle().orElseThrow());
        }
        if (source(name).contains("from celery import")) {
            Assumptions.assumeTrue(hasModules("celery, redis"),
                    "Celery is not installed: apt-get install python3-celery python3-redis");
        }
        if (source(name).contains("from rq import")) {
            Assumptions.assumeTrue(hasModules("rq"), "RQ is not installed: apt-get install python3-rq");
        }
        Run run = run(name);
        assertThat(complaints(run)).isEmpty();
        assertThat(run.output()).containsPattern(Pattern.compile(PRINTS.get(name), Pattern.MULTILINE));
        assertThat(run.exitCode()).isEqualTo(name.equals("pools.DrainOnSignal") ? 143 : 0); // as TERM ends any JVM
    }

    private static boolean hasModules(String names) throws InterruptedException {
        try {
            return new ProcessBuilder("/usr/bin/python3", "-c", "import " + names)
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Readers compare kinds: what runs in threads by default has to travel, and the other way round. */
    @ParameterizedTest
    @MethodSource("namesOfThoseThatTakeAPlan")
    void runsOnAnotherPlanOrSaysWhyNot(String name) throws Exception {
        String source = source(name);
        Run run = run(name, source.contains("\"processes:1\"") ? "inline" : "processes:1");
        if (source.replaceAll("\\s+(\\* )?", " ").contains("Not for {@code processes}")) {
            assertThat(run.errors()).contains("TaskSerializationException", "cannot travel");
        } else {
            assertThat(complaints(run)).isEmpty();
            assertThat(run.output()).isNotBlank();
            assertThat(run.exitCode()).isZero();
        }
    }

    @Test
    void everyExampleIsRunAndListedInTheReadme() throws Exception {
        var examples = new TreeSet<String>();
        try (Stream<Path> files = Files.walk(SOURCES)) {
            files.filter(Files::isRegularFile)
                    .map(file -> SOURCES.relativize(file).toString().replace(".java", "").replace('/', '.'))
                    .filter(name -> source(name).contains("static void main("))
                    .forEach(examples::add);
        }
        assertThat(PRINTS.keySet()).isEqualTo(examples);
        var listed = new TreeSet<String>();
        var row = Pattern.compile("\\[`(\\w+)`]\\(src/main/java/dev/sennit/examples/((?:\\w+/)?\\1)\\.java\\) \\|");
        row.matcher(Files.readString(Path.of("README.md"))).results()
                .forEach(found -> listed.add(found.group(2).replace('/', '.')));
        assertThat(listed).isEqualTo(examples);
        assertThat(List.copyOf(examples)).hasSizeGreaterThan(15);
    }

    private static Run run(String name, String... arguments) throws Exception {
        return Boolean.getBoolean("sennit.full") || NEEDS_A_JVM.matcher(source(name)).find()
                ? runAlone(name, arguments)
                : shared.run(name, arguments);
    }

    private static Run runAlone(String name, String... arguments) throws Exception {
        Path errors = Files.createTempFile("example-", ".err");
        String classPath = classPath(source(name).contains("import org.slf4j."));
        Process process =
                Jvm.of(classPath, "dev.sennit.examples." + name, arguments).redirectError(errors.toFile()).start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended, after it printed %s", output).isTrue();
            return new Run(process.exitValue(), output, Files.readString(errors));
        } finally {
            process.destroyForcibly();
            Files.delete(errors);
        }
    }

    /** A logging framework takes as long to start as an example: only those that log have it. */
    private static String classPath(boolean logs) {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> logs
                        || !Path.of(entry).getFileName().toString().startsWith("slf4j-jdk-platform-logging"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static String source(String name) {
        try {
            return Files.readString(SOURCES.resolve(name.replace('.', '/') + ".java"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
