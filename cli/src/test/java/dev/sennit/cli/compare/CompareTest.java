package dev.sennit.cli.compare;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.cli.Run;
import dev.sennit.cli.programs.Primes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Comparisons in this JVM, with workloads that take next to no time. */
public class CompareTest {
    static final List<Long> SMALL_NUMBERS = List.of(
            2L, 3L, 4L, 9L, 25L, 1_000_003L, 1_000_001L, 999_999_999_989L, 10_000_000_000_037L, 2_147_483_647L * 2,
            99_999_989L * 99_999_989L,
            7L * 1_000_000_007L, 8L);

    @TempDir
    Path folder;

    /** Three tasks. */
    public static class Small implements Supplier<List<Task<Integer>>> {
        @Override
        public List<Task<Integer>> get() {
            return List.of(() -> 1, () -> 2, () -> 3);
        }
    }

    /** Equal arrays are equal results. */
    public static class Arrays implements Supplier<List<Task<int[]>>> {
        @Override
        public List<Task<int[]>> get() {
            return List.of(() -> new int[] {1, 2});
        }
    }

    /** Fails outside of the calling thread. */
    public static class FailsElsewhere implements Supplier<List<Task<Integer>>> {
        @Override
        public List<Task<Integer>> get() {
            return List.of(() -> 1, () -> {
                if (Thread.currentThread().getName().contains("threads-")) {
                    throw new IllegalStateException("not here");
                }
                return 2;
            });
        }
    }

    /** Gives something else each time. */
    public static class Differs implements Supplier<List<Task<Integer>>> {
        private static final AtomicInteger CALLS = new AtomicInteger();

        @Override
        public List<Task<Integer>> get() {
            return List.of(() -> 1, CALLS::incrementAndGet);
        }
    }

    /** Fails everywhere. */
    public static class Fails implements Supplier<List<Task<Integer>>> {
        @Override
        public List<Task<Integer>> get() {
            return List.of(() -> {
                throw new IllegalStateException("never");
            });
        }
    }

    /** No tasks. */
    public static class Empty implements Supplier<Collection<Task<Integer>>> {
        @Override
        public Collection<Task<Integer>> get() {
            return new ArrayList<>();
        }
    }

    /** Not even tasks. */
    public static class Strings implements Supplier<List<String>> {
        @Override
        public List<String> get() {
            return List.of("a");
        }
    }

    /** Needs an argument. */
    public static class NoConstructor extends Small {
        private final String name;

        public NoConstructor(String name) {
            this.name = name;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static Run compare(Class<?> workload, String... args) {
        List<String> all = new ArrayList<>(List.of("compare", workload.getName()));
        all.addAll(List.of(args));
        return Run.sennit(all.toArray(String[]::new));
    }

    @Test
    void aCommaInAnOptionIsNoneBetweenPlans() {
        assertThat(CompareCommand.plansIn(
                "inline,threads:2,processes:1?jvm=-Xlog:gc,safepoint,-Xss2m&heap=64m,virtual,loop:3"))
                .containsExactly("inline", "threads:2", "processes:1?jvm=-Xlog:gc,safepoint,-Xss2m&heap=64m", "virtual",
                        "loop:3");
        assertThat(CompareCommand.plansIn("processes?allow=a.B,c.D,processes?heap=1g"))
                .containsExactly("processes?allow=a.B,c.D", "processes?heap=1g");
        assertThat(CompareCommand.plansIn("threads,virtul")).as("an error is told of its own")
                .containsExactly("threads", "virtul");
        assertThat(CompareCommand.plansIn("threads,")).containsExactly("threads", "");
    }

    @Test
    void oneTable() {
        Run run = compare(Small.class, "--on", "inline,threads:2,virtual", "--on", "threads:4", "--repeat", "3");

        assertThat(run.exit()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out().get(0)).startsWith(Small.class.getName() + ": medians of 3 rounds, on ");
        assertThat(run.out().get(1)).matches("plan +workers +wall +speed-up +CPU +peak memory");
        assertThat(run.out().get(2)).matches("inline +1 +[\\d.]+ [mu]?s +1\\.00x +\\d+ % +(\\d+ MiB|-)");
        assertThat(run.out().get(3)).startsWith("threads:2 ").contains("  2  ");
        assertThat(run.out().get(4)).matches("virtual +no limit .*");
        assertThat(run.out().get(5)).startsWith("threads:4 ");
        assertThat(run.out().get(6)).startsWith("COST, the fewest workers that beat inline: threads ");
        assertThat(run.out()).hasSize(7);
    }

    @Test
    void inlineIsAddedAsTheJudge() {
        Run run = compare(Arrays.class, "--on", "threads:2", "--repeat", "1", "--json");

        assertThat(run.out()).hasSize(3);
        assertThat(run.out().get(0)).contains("\"plan\":\"inline\"", "\"workers\":1", "\"rounds\":1", "\"speedUp\":1.0",
                "\"failure\":null");
        assertThat(run.out().get(1)).contains("\"plan\":\"threads:2\"", "\"kind\":\"threads\"", "\"workers\":2");
        assertThat(run.out().get(2)).contains("\"kind\":\"threads\",\"beatsInline\":");
    }

    @Test
    void workerCountsAndAPlot() {
        Path plot = folder.resolve("a plot.svg");
        Run run = compare(Small.class, "--on", "virtual,threads", "--workers", "1..3", "--repeat", "1", "--plot",
                plot.toString());

        assertThat(run.exit()).isZero();
        assertThat(run.out().stream().skip(2).map(line -> line.split(" ")[0]))
                .startsWith("inline", "virtual:1", "virtual:2", "virtual:3", "threads:1", "threads:2", "threads:3");
        assertThat(run.out().getLast()).isEqualTo("plot: " + plot);
        assertThat(plot).content().contains("<svg", "inline", "virtual, best at", "threads, best at");
    }

    /** On processes they run in the integration tests. */
    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "threads:3", "virtual", "virtual:2", "loop"})
    void otherDivisionsOfThePrimesGiveTheSame(String plan) {
        List<Boolean> expected = SMALL_NUMBERS.stream().map(Primes::isPrime).toList();
        assertThat(expected).contains(true, false);
        try (Pool pool = Pools.open(plan)) {
            assertThat(QueuedPrimes.run(pool, SMALL_NUMBERS)).isEqualTo(expected);
            assertThat(SplitPrimes.run(pool, SMALL_NUMBERS)).isEqualTo(expected);
        }
        for (String workload : List.of("primes-queue", "primes-split")) {
            assertThat(Workload.named(workload).tasks()).hasSize(20);
            assertThat(Workload.named(workload).division()).isNotEqualTo(Workload.named("primes").division());
        }
    }

    @Test
    void everyDivisorIsInOnePart() {
        for (long number : new long[] {2, 3, 8, 9, 25, 49, 121, 169, 1_000_003, 3333335652092209L, Long.MAX_VALUE}) {
            long root = Primes.squareRoot(number);
            for (int workers : new int[] {1, 2, 3, 7, 20}) {
                List<SplitPrimes.Part> parts = SplitPrimes.parts(number, workers);
                assertThat(parts).hasSizeLessThanOrEqualTo(workers);
                long next = 3;
                for (SplitPrimes.Part part : parts) {
                    assertThat(part.first()).as("%d on %d: odd, and after the part before", number, workers)
                            .isEqualTo(next);
                    assertThat(part.last()).isBetween(part.first(), root);
                    next = part.last() % 2 == 0 ? part.last() + 1 : part.last() + 2;
                }
                assertThat(next).as("%d on %d: up to the root", number, workers).isGreaterThan(root)
                        .isGreaterThanOrEqualTo(3);
            }
        }
    }

    @Test
    void aPlanThatFailsLeavesTheOthersAlone() {
        Run run = compare(FailsElsewhere.class, "--on", "threads:2,virtual", "--repeat", "3");

        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.out().get(3))
                .matches("threads:2 +2  failed in round 1: task 2 of 2: IllegalStateException: not here");
        assertThat(run.out().get(4)).startsWith("virtual ").contains("x");
        assertThat(run.out().get(5)).startsWith("COST").doesNotContain("threads");
    }

    @Test
    void aWrongResultIsAFailure() {
        Run run = compare(Differs.class, "--on", "threads:1", "--repeat", "1");

        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.out().get(3)).matches("threads:1 +1  wrong result: task 2 of 2 gave \\d+, on inline \\d+");
    }

    @Test
    void aWorkloadThatFailsOnInlineEndsIt() {
        Run run = compare(Fails.class, "--on", "threads:1");

        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err())
                .containsExactly("sennit: workload " + Fails.class.getName()
                        + " fails on inline already: task 1 of 1: IllegalStateException: never");
        assertThat(run.out()).isEmpty();
    }

    @Test
    void classesThatAreNoWorkloads() {
        assertNoWorkload(Empty.class, "get() has to return a collection of tasks, was an empty one");
        assertNoWorkload(Strings.class,
                "get() has to return tasks of type dev.sennit.Task, was java.lang.String at index 0");
        assertNoWorkload(NoConstructor.class, "has to be a public class with a public constructor that takes nothing");
        assertNoWorkload(
                Object.class,
                "does not implement java.util.function.Supplier<Collection<Task<?>>>, as a workload has to");
    }

    private static void assertNoWorkload(Class<?> type, String why) {
        Run run = compare(type);
        assertThat(run.err()).containsExactly("sennit: class " + type.getName() + ": " + why);
        assertThat(run.exit()).isEqualTo(2);
    }
}
