package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pipeline;
import dev.sennit.PipelineFailure;
import dev.sennit.PipelineResult;
import dev.sennit.PipelineStatistics;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Program;
import dev.sennit.StageRun;
import dev.sennit.TaskOptions;
import dev.sennit.TaskSerializationException;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Work;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Pipelines with stages on worker processes. */
@Timeout(120)
class PipelineIT {
    @TempDir
    Path folder;

    private Signals signals;

    @BeforeEach
    void makeSignals() {
        signals = new Signals(folder.toString());
    }

    private static ProcessPool open(int workers) {
        return ProcessPool.builder().workers(workers).grace(Duration.ZERO).output(WorkerOutput.DISCARD).open();
    }

    private static List<Integer> items(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    private static void assertIdle(Pool pool) {
        assertThat(pool.statistics().queued() + pool.statistics().running()).isZero();
    }

    @Test
    void someStagesInThreadsAndSomeInProcesses() {
        try (Pool threads = Pools.open("virtual:4");
                Pool processes = Pools.open("processes:2?name=workers");
                Pool here = Pools.open("inline")) {
            long self = ProcessHandle.current().pid();
            PipelineResult<String> result = Pipeline.from(items(300))
                    .through("bytes", threads, n -> new byte[n])
                    .through("length", processes, bytes -> new long[] {bytes.length, ProcessHandle.current().pid()})
                    .through("text", here, pair -> pair[1] == self ? "here" : "n" + pair[0])
                    .inOrder()
                    .recording()
                    .toList();

            assertThat(result.values()).isEqualTo(items(300).stream().map(n -> "n" + n).toList());
            assertThat(result.runs()).hasSize(900);
            assertThat(result.runs().stream().filter(run -> run.stage().equals("length")).map(StageRun::worker))
                    .hasSize(300)
                    .allMatch(Set.of("workers-worker-1", "workers-worker-2")::contains);
            assertThat(result.statistics().stage("length").mostAtOnce()).isBetween(1, 2);
            assertIdle(processes);
        }
    }

    @Test
    void shortTasksMayWaitInThePool() {
        try (Pool processes = open(2)) {
            PipelineStatistics seen = Pipeline.from(items(3000))
                    .through("square", processes, Work::square, stage -> stage.atMost(32))
                    .run(n -> {})
                    .statistics();
            assertThat(seen.out()).isEqualTo(3000);
            assertThat(seen.stage("square").mostAtOnce()).isEqualTo(2);
        }
    }

    /** Item 5 tells its worker's number and waits for its end; the others go by. */
    private static int victim(Signals signals, int n) throws InterruptedException {
        if (n == 5) {
            signals.log(String.valueOf(ProcessHandle.current().pid()));
            signals.set("held");
            signals.await("never");
        }
        return n;
    }

    @Test
    void aWorkerThatIsKilledFailsItsItemAlone() throws Exception {
        try (Pool processes = open(2)) {
            Signals here = signals;
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            Caller<PipelineResult<Integer>> caller = Caller.of(() -> Pipeline.from(items(200))
                    .through("victim", processes, n -> victim(here, n))
                    .through("after", processes, n -> -n)
                    .collectingFailures(failures::add)
                    .toList());
            signals.await("held");
            assertThat(ProcessHandle.of(Long.parseLong(signals.logged().getFirst())).orElseThrow().destroyForcibly())
                    .isTrue();

            PipelineResult<Integer> result = caller.result();
            assertThat(result.values()).hasSize(199).doesNotHaveDuplicates().doesNotContain(-5);
            assertThat(failures).singleElement().satisfies(failure -> {
                assertThat(failure.item()).isEqualTo(5);
                assertThat(failure.stage()).isEqualTo("victim");
                assertThat(failure.cause())
                        .isInstanceOf(WorkerCrashedException.class)
                        .hasMessageContaining("while it ran task victim");
            });
            assertThat(processes.statistics().workersLost()).isOne();
            assertIdle(processes);
        }
    }

    @Test
    void anInterruptKillsWhatDoesNotListen() throws Exception {
        try (Pool processes = open(2)) {
            Signals here = signals;
            Caller<PipelineResult<Integer>> caller = Caller.of(() -> Pipeline.from(items(100))
                    .through("loop", processes, n -> Work.loop(here), stage -> stage.atMost(3))
                    .toList());
            signals.awaitCount("held", 2);
            caller.awaitWaitingIn("take");
            caller.interrupt();
            assertThat(caller.failure()).hasCauseInstanceOf(InterruptedException.class);
            assertIdle(processes);
            assertThat(signals.count("held")).isEqualTo(2);
            assertThat(signals.count("finished")).isZero();
            assertThat(processes.submit(() -> 7).join()).isEqualTo(7);
        }
    }

    @Test
    void theFirstFailureKillsWhatDoesNotListen() throws Exception {
        try (Pool processes = open(2)) {
            Signals here = signals;
            assertThatThrownBy(() -> Pipeline.from(items(100))
                    .through("loop", processes, n -> {
                        if (n == 0) {
                            return Work.loop(here);
                        }
                        here.awaitCount("held", 1);
                        throw new IOException("now");
                    })
                    .toList())
                    .hasMessageContaining("item 1 (1) failed in stage loop: ")
                    .cause()
                    .isInstanceOf(IOException.class)
                    .satisfies(failure -> assertThat(failure.getStackTrace())
                            .anyMatch(frame -> frame.getMethodName().equals("submitted by"))
                            .anyMatch(frame -> frame.getMethodName().equals("theFirstFailureKillsWhatDoesNotListen"))
                            .noneMatch(frame -> frame.getClassName().contains("PipelineRun")));
            assertIdle(processes);
            assertThat(signals.count("finished")).isZero();
        }
    }

    @Test
    void aTimeLimitEndsAStalledItem() {
        try (Pool processes = open(1)) {
            Signals here = signals;
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            PipelineStatistics seen = Pipeline.from(items(1))
                    .through(
                            "stalls",
                            processes,
                            n -> Work.loop(here),
                            stage -> stage.task(TaskOptions.timeLimit(Duration.ofMillis(50))))
                    .collectingFailures(failures::add)
                    .run(n -> {})
                    .statistics();
            assertThat(seen.failed()).isOne();
            assertThat(failures).singleElement()
                    .satisfies(failure -> assertThat(failure.cause()).isInstanceOf(TimeoutException.class));
            assertIdle(processes);
            assertThat(signals.count("finished")).isZero();
            assertThat(processes.submit(() -> 7).join()).isEqualTo(7);
        }
    }

    @Test
    void whatCannotTravelFailsTheItem() {
        try (Pool processes = open(1);
                Pool here = Pools.open("inline")) {
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            List<String> values = Pipeline.from(items(4))
                    .through("make", here, n -> n == 2 ? new Work.Anchored() : (Object) n)
                    .through("travel", processes, object -> object.toString())
                    .collectingFailures(failures::add)
                    .toList()
                    .values();
            assertThat(values).containsExactly("0", "1", "3");
            assertThat(failures).singleElement().satisfies(failure -> {
                assertThat(failure.item()).isEqualTo(2);
                assertThat(failure.cause()).isInstanceOf(TaskSerializationException.class);
            });
            assertIdle(processes);
        }
    }

    @Test
    void aCallbackInAServingThreadMayRunOne() throws Exception {
        try (Pool processes = open(1)) {
            assertThat(processes.submit(() -> 1)
                    .thenApply(one -> Pipeline.from(items(20))
                            .through("square", processes, Work::square)
                            .inOrder()
                            .toList()
                            .values())
                    .get())
                    .hasSize(20)
                    .endsWith(361);
        }
    }

    /** A gigabyte through 32 MB of heap. */
    public static final class ManyItems {
        private ManyItems() {}

        public static void main(String[] arguments) {
            Set<Thread> runners = ConcurrentHashMap.newKeySet();
            try (Pool threads = Pools.open("threads:2");
                    Pool here = Pools.open("inline")) {
                PipelineStatistics seen = Pipeline.from(Stream.generate(() -> new byte[10_000]).limit(100_000))
                        .through("copy", threads, bytes -> bytes.clone(), stage -> stage.atMost(100))
                        .through("again", here, bytes -> bytes.clone(), stage -> stage.ahead(100))
                        .inOrder()
                        .run(bytes -> runners.add(Thread.currentThread()))
                        .statistics();
                System.out.println(seen.out() + " " + runners.size());
            }
        }
    }

    @Test
    void memoryIsBoundedHoweverLongTheSourceIs() throws Exception {
        assertThat(Program.outputOf(ManyItems.class, "-Xmx32m")).isEqualToIgnoringNewLines("100000 1");
    }

    @Test
    void aSourceCannotBeReadElsewhere() {
        try (Pool pool = Pools.open("processes:1")) {
            assertThatThrownBy(() -> Pipeline.from(List.of(1, 2)).readingOn(pool))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a source is read in this JVM, and " + pool.name()
                            + " runs its tasks elsewhere: take threads, virtual or loop");
        }
    }
}
