package dev.sennit;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.conformance.internal.Work;
import dev.sennit.loop.EventLoop;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pipelines on every kind of pool whose tasks stay in this JVM. */
@Timeout(120)
class PipelineTest {
    static final List<String> PLANS =
            List.of("inline", "threads:1", "threads:3", "virtual", "virtual:2", "loop", "loop?mechanism=baton");
    /** The kinds that run a task while its submitter goes on. */
    static final List<String> ASYNCHRONOUS =
            List.of("threads:1", "threads:3", "virtual", "virtual:2", "loop", "loop?mechanism=baton");

    private static List<Integer> items(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    /** Returns a source that counts the items that were read. */
    private static Iterator<Integer> counting(AtomicInteger read) {
        return Stream.generate(read::getAndIncrement).iterator();
    }

    private static int unless(boolean fails, int n) {
        if (fails) {
            throw new ArithmeticException("no " + n);
        }
        return n;
    }

    private static void assertIdle(Pool... pools) {
        for (Pool pool : pools) {
            PoolStatistics seen = pool.statistics();
            assertThat(seen.queued() + seen.running()).as("%s has nothing", pool).isZero();
        }
    }

    // ---- items ----

    @ParameterizedTest
    @FieldSource("PLANS")
    void everyItemPassesAllStagesOnce(String plan) {
        try (Pool first = Pools.open(plan);
                Pool second = Pools.open(plan)) {
            List<String> seen = new ArrayList<>();
            Thread runner = Thread.currentThread();
            PipelineResult<String> result = Pipeline.from(items(200))
                    .through("square", first, n -> n * n)
                    .through("text", second, n -> "n" + n)
                    .through("length", first, text -> text + " " + text.length())
                    .run(text -> {
                        assertThat(Thread.currentThread()).isSameAs(runner);
                        seen.add(text);
                    });

            assertThat(seen).containsExactlyInAnyOrderElementsOf(
                    items(200).stream().map(n -> "n" + n * n + " " + ("n" + n * n).length()).toList());
            assertThat(result.values()).isEmpty();
            assertThat(result.runs()).isEmpty();
            assertThat(result.statistics().in()).isEqualTo(200);
            assertThat(result.statistics().out()).isEqualTo(200);
            assertThat(result.statistics().failed()).isZero();
            assertThat(result.statistics().underWay()).isZero();
            assertThat(result.statistics().stages()).extracting(StageStatistics::name).containsExactly("square", "text",
                    "length");
            assertThat(result.statistics().stages()).allSatisfy(stage -> {
                assertThat(stage.done()).isEqualTo(200);
                assertThat(stage.failed() + stage.waiting() + stage.running() + stage.held()).isZero();
                assertThat(stage.mostAtOnce()).isBetween(1, first.workers());
                assertThat(stage.runTime()).isPositive();
                assertThat(stage.waitTime()).isPositive();
            });
            assertThat(result.statistics().stage("text").pool()).isEqualTo(second.name());
            assertIdle(first, second);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void inOrderResultsComeInTheOrderOfTheSource(String plan) {
        try (Pool pool = Pools.open(plan)) {
            List<Integer> failures = new ArrayList<>();
            PipelineResult<Integer> result = Pipeline.from(items(300))
                    .through("uneven", pool, n -> {
                        Work.spin(n % 7 * 1000);
                        return n;
                    })
                    .through("some", pool, n -> unless(n % 10 == 0, n))
                    .collectingFailures(failure -> failures.add(failure.item()))
                    .inOrder()
                    .toList();

            assertThat(result.values()).isEqualTo(items(300).stream().filter(n -> n % 10 != 0).toList());
            assertThat(failures)
                    .containsExactlyInAnyOrderElementsOf(items(300).stream().filter(n -> n % 10 == 0).toList());
            assertThat(result.statistics().stages()).extracting(StageStatistics::held).containsOnly(0);
        }
    }

    @Test
    void nothingIsARefusalToNull() {
        try (Pool pool = Pools.open("threads:2")) {
            assertThat(Pipeline.from(Arrays.asList(1, null, 2))
                    .through("null to null", pool, n -> n == null ? null : n + 1)
                    .inOrder()
                    .toList()
                    .values())
                    .containsExactly(2, null, 3);
        }
    }

    @Test
    void withoutStagesItemsGoStraightToTheConsumer() {
        assertThat(Pipeline.from(items(3)).toList().values()).containsExactly(0, 1, 2);
        assertThat(Pipeline.from(Stream.of(1, 2)).inOrder().toList().values()).containsExactly(1, 2);
    }

    @Test
    void withoutItemsItEndsAtOnce() {
        try (Pool pool = Pools.open("threads:1")) {
            PipelineResult<Integer> result = Pipeline.from(List.<Integer>of()).through("one", pool, n -> n).toList();
            assertThat(result.values()).isEmpty();
            assertThat(result.statistics().in()).isZero();
        }
    }

    @Test
    void aDescriptionRunsAsOftenAsItsSourceCanBeRead() {
        try (Pool pool = Pools.open("threads:2")) {
            Pipeline<Integer, Integer> squares = Pipeline.from(items(4)).through("square", pool, n -> n * n).inOrder();
            assertThat(squares.toList().values()).containsExactly(0, 1, 4, 9);
            assertThat(squares.toList().values()).containsExactly(0, 1, 4, 9);
            Pipeline<Integer, Integer> once = Pipeline.from(items(4).iterator()).through("same", pool, n -> n);
            assertThat(once.toList().values()).hasSize(4);
            assertThat(once.toList().values()).isEmpty();
            assertThat(squares).hasToString("Pipeline[square on " + pool.name() + "]");
        }
    }

    // ---- bounds ----

    @Test
    void theSourceIsReadOnlyAsFarAsThereIsRoom() {
        var pool = new FakePool(2);
        pool.onWorker = true; // makes the run deterministic: a waiting thread runs queued tasks
        var read = new AtomicInteger();
        List<Integer> readAtRun = new ArrayList<>();
        List<Integer> handed = new ArrayList<>();
        var enough = new NoSuchElementException("enough");
        Pipeline<Integer, Integer> pipeline = Pipeline.from(counting(read))
                .through("one", pool, n -> {
                    readAtRun.add(read.get());
                    return n;
                }, stage -> stage.ahead(3))
                .through("two", pool, n -> n, stage -> stage.ahead(0))
                .onProgress(Duration.ofNanos(1), progress -> {
                    StageStatistics one = progress.stage("one");
                    StageStatistics two = progress.stage("two");
                    assertThat(one.running() + one.held()).isLessThanOrEqualTo(2);
                    assertThat(one.waiting()).isLessThanOrEqualTo(3);
                    assertThat(two.running()).isLessThanOrEqualTo(2);
                    assertThat(two.waiting() + two.held()).isZero();
                    assertThat(progress.underWay()).isLessThanOrEqualTo(7);
                });
        assertThat(catchThrowable(() -> pipeline.run(n -> {
            handed.add(n);
            if (n == 10) {
                throw enough;
            }
        })))
                .isSameAs(enough);

        assertThat(readAtRun.getFirst()).as("two run, three wait").isEqualTo(5);
        assertThat(handed).isEqualTo(items(11));
        assertThat(read.get()).isLessThanOrEqualTo(11 + 7);
    }

    @ParameterizedTest
    @FieldSource("ASYNCHRONOUS")
    void aSlowStageHoldsUpThoseBeforeIt(String plan) throws Exception {
        try (Pool quick = Pools.open(plan);
                Pool slow = Pools.open("virtual")) {
            var read = new AtomicInteger();
            var release = new CountDownLatch(1);
            var handed = new AtomicInteger();
            Pipeline<Integer, Integer> pipeline = Pipeline.from(Stream.generate(read::getAndIncrement).limit(50))
                    .through("quick", quick, n -> n, stage -> stage.atMost(2).ahead(3))
                    .through("slow", slow, n -> {
                        release.await();
                        return n;
                    }, stage -> stage.atMost(1).ahead(4));
            var last = new java.util.concurrent.atomic.AtomicReference<PipelineStatistics>();
            Caller<?> caller = Caller.of(
                    () -> pipeline.onProgress(Duration.ofNanos(1), last::set).run(n -> handed.incrementAndGet()));
            Conditions.await("one runs and four wait there, two are held, three wait").until(() -> {
                PipelineStatistics seen = last.get();
                return seen != null
                        && seen.stage("slow").running() == 1
                        && seen.stage("slow").waiting() == 4
                        && seen.stage("quick").held() == 2
                        && seen.stage("quick").waiting() == 3;
            });
            caller.awaitWaitingIn("take");
            assertThat(read).hasValue(10);

            release.countDown();
            caller.result();
            assertThat(handed).hasValue(50);
            assertThat(last.get().stage("slow").mostAtOnce()).isOne();
            assertIdle(quick, slow);
        }
    }

    @Test
    void inOrderNoMoreIsReadAheadOfTheFirstThanFitsIn() throws Exception {
        try (Pool pool = Pools.open("virtual")) {
            var read = new AtomicInteger();
            var passed = new AtomicInteger();
            var release = new CountDownLatch(1);
            Pipeline<Integer, Integer> pipeline = Pipeline.from(Stream.generate(read::getAndIncrement).limit(100))
                    .through("first is last", pool, n -> {
                        if (n == 0) {
                            release.await();
                        }
                        passed.incrementAndGet();
                        return n;
                    }, stage -> stage.atMost(3).ahead(5))
                    .inOrder();
            Caller<PipelineResult<Integer>> caller = Caller.of(pipeline::toList);
            Conditions.await("seven overtake it").until(() -> passed.get() == 7);
            caller.awaitWaitingIn("take");
            assertThat(read).hasValue(8);

            release.countDown();
            assertThat(caller.result().values()).isEqualTo(items(100));
        }
    }

    @Test
    void firstInFirstOutIntoEveryStage() {
        try (Pool one = Pools.open("threads:1");
                Pool other = Pools.open("threads:1")) {
            List<Integer> entered = Collections.synchronizedList(new ArrayList<>());
            Pipeline.from(items(500))
                    .through("one", one, n -> n, stage -> stage.ahead(7))
                    .through("other", other, n -> {
                        entered.add(n);
                        return n;
                    }, stage -> stage.ahead(3))
                    .run(n -> {});
            assertThat(entered).isEqualTo(items(500));
        }
    }

    @Test
    void asManyAtOnceAsTheStageAllows() {
        try (Pool pool = Pools.open("threads:4")) {
            var running = new AtomicInteger();
            var most = new AtomicInteger();
            var two = new CyclicBarrier(2);
            PipelineStatistics seen = Pipeline.from(items(40))
                    .through("pairs", pool, n -> {
                        most.accumulateAndGet(running.incrementAndGet(), Math::max);
                        two.await(30, SECONDS); // a single one would wait for ever
                        return running.decrementAndGet();
                    }, stage -> stage.atMost(2))
                    .run(n -> {})
                    .statistics();
            assertThat(most).hasValue(2);
            assertThat(seen.stage("pairs").mostAtOnce()).isEqualTo(2);
        }
    }

    @Test
    void moreThanThePoolHasWorkersWaitInThePool() {
        try (Pool pool = Pools.open("threads:2")) {
            PipelineStatistics seen = Pipeline.from(items(100))
                    .through("many", pool, n -> n, stage -> stage.atMost(50))
                    .run(n -> {})
                    .statistics();
            assertThat(seen.out()).isEqualTo(100);
            assertThat(seen.stage("many").mostAtOnce()).isEqualTo(2);
        }
    }

    @Test
    void aStageOnAnUnlimitedPoolHasALimit() {
        var pool = new FakePool(Integer.MAX_VALUE);
        pool.onWorker = true;
        var read = new AtomicInteger();
        var readAtFirst = new AtomicInteger();
        Pipeline.from(Stream.generate(read::getAndIncrement).limit(10_000))
                .through("many", pool, n -> {
                    readAtFirst.compareAndSet(0, read.get());
                    return n;
                }, stage -> stage.ahead(0))
                .run(n -> {});
        assertThat(readAtFirst).hasValue(StageOptions.MANY);
    }

    // ---- failures ----

    @ParameterizedTest
    @FieldSource("PLANS")
    void theFirstFailureCancelsEverythingAndIsThrown(String plan) {
        try (Pool pool = Pools.open(plan);
                Pool other = Pools.open("virtual")) {
            var entered = new AtomicInteger();
            var left = new AtomicInteger();
            var begun = new CountDownLatch(3);
            Pipeline<Integer, Integer> pipeline = Pipeline.from(items(1000))
                    .through("endless", other, n -> {
                        if (n == 2) {
                            begun.await();
                            return n;
                        }
                        entered.incrementAndGet();
                        try {
                            begun.countDown();
                            new CountDownLatch(1).await();
                            return n;
                        } finally {
                            left.incrementAndGet();
                        }
                    }, stage -> stage.atMost(4))
                    .through("fails", pool, n -> {
                        throw new IOException("no " + n);
                    });
            assertThatThrownBy(pipeline::toList)
                    .isInstanceOf(CompletionException.class)
                    .hasMessage("item 2 (2) failed in stage fails: java.io.IOException: no 2")
                    .cause()
                    .isInstanceOf(IOException.class)
                    .hasMessage("no 2");
            assertThat(left.get()).as("over when it was thrown").isGreaterThanOrEqualTo(3).isEqualTo(entered.get());
            assertIdle(pool, other);
            assertThat(pool.submit(() -> "open").join()).isEqualTo("open");
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void collectedFailuresLeaveTheOthersAlone(String plan) {
        try (Pool pool = Pools.open(plan)) {
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            List<Integer> values = new ArrayList<>();
            PipelineStatistics seen = Pipeline.from(items(90))
                    .through("thirds", pool, n -> unless(n % 3 == 0, n))
                    .through("fifths", pool, n -> {
                        if (n % 5 == 0) {
                            throw new IOException("fifth");
                        }
                        return -n;
                    })
                    .collectingFailures(failures::add)
                    .run(values::add)
                    .statistics();

            assertThat(values).hasSize(48);
            assertThat(failures).hasSize(42).allSatisfy(failure -> {
                assertThat(failure.index()).isEqualTo((long) failure.item());
                assertThat(failure.stage()).isEqualTo(failure.item() % 3 == 0 ? "thirds" : "fifths");
                assertThat(failure.cause())
                        .isInstanceOf(failure.item() % 3 == 0 ? ArithmeticException.class : IOException.class);
            });
            assertThat(failures).extracting(PipelineFailure::item).doesNotHaveDuplicates();
            assertThat(seen.in()).isEqualTo(90);
            assertThat(seen.out()).isEqualTo(48);
            assertThat(seen.failed()).isEqualTo(42);
            assertThat(seen.stage("thirds").done()).isEqualTo(60);
            assertThat(seen.stage("thirds").failed()).isEqualTo(30);
            assertThat(seen.stage("fifths").failed()).isEqualTo(12);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void whatTheConsumerThrowsEndsIt(String plan) {
        try (Pool pool = Pools.open(plan)) {
            Pipeline<Integer, Integer> pipeline =
                    Pipeline.from(counting(new AtomicInteger())).through("one", pool, n -> n);
            var thrown = new IllegalStateException("the consumer's");
            assertThat(catchThrowable(() -> pipeline.run(n -> {
                if (n == 5) {
                    throw thrown;
                }
            })))
                    .isSameAs(thrown);
            assertIdle(pool);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void whatTheSourceThrowsEndsIt(String plan) {
        try (Pool pool = Pools.open(plan)) {
            var thrown = new IllegalStateException("the source's");
            Stream<Integer> source = Stream.iterate(0, n -> {
                if (n == 50) {
                    throw thrown;
                }
                return n + 1;
            });
            assertThat(catchThrowable(() -> Pipeline.from(source).through("one", pool, n -> n).run(n -> {})))
                    .isSameAs(thrown);
            assertThat(catchThrowable(() -> Pipeline.from((Iterable<Integer>) () -> {
                throw thrown;
            })
                    .through("one", pool, n -> n)
                    .run(n -> {})))
                    .isSameAs(thrown);
            assertIdle(pool);
        }
    }

    @Test
    void whatAListenerThrowsEndsIt() {
        try (Pool pool = Pools.open("threads:2")) {
            var thrown = new IllegalStateException("the listener's");
            Pipeline<Integer, Integer> pipeline = Pipeline.from(items(10)).through("fails", pool, n -> unless(true, n));
            assertThat(catchThrowable(() -> pipeline.collectingFailures(failure -> {
                throw thrown;
            })
                    .toList()))
                    .isSameAs(thrown);
            assertThat(catchThrowable(() -> pipeline.collectingFailures(failure -> {})
                    .onProgress(progress -> {
                        throw thrown;
                    })
                    .toList()))
                    .isSameAs(thrown);
            assertIdle(pool);
        }
    }

    @Test
    void aTaskThatIgnoresItsCancellationIsWaitedFor() throws Exception {
        try (Pool pool = Pools.open("threads:2")) {
            var begun = new CountDownLatch(1);
            var release = new CountDownLatch(1);
            var finished = new AtomicBoolean();
            Caller<?> caller = Caller.of(() -> Pipeline.from(items(2))
                    .through("stubborn", pool, n -> {
                        if (n == 1) {
                            begun.await();
                            throw new IOException("now");
                        }
                        begun.countDown();
                        while (true) {
                            try {
                                release.await();
                                finished.set(true);
                                return n;
                            } catch (InterruptedException e) {
                                // not yet
                            }
                        }
                    })
                    .toList());
            caller.awaitWaitingIn("cancel");
            assertThat(caller.isDone()).isFalse();
            caller.interrupt();
            release.countDown();
            assertThat(caller.failure()).isInstanceOf(CompletionException.class)
                    .hasRootCauseInstanceOf(IOException.class);
            assertThat(finished).isTrue();
            assertIdle(pool);
        }
    }

    @Test
    void anItemIsNamedInShort() {
        try (Pool pool = Pools.open("inline")) {
            assertThatThrownBy(() -> Pipeline.from(List.of("x".repeat(1000)))
                    .through("fails", pool, text -> Integer.parseInt("y"))
                    .toList())
                    .hasMessageStartingWith("item 0 (" + "x".repeat(100) + "...) failed in stage fails: ");
        }
    }

    // ---- a source that tasks read ----

    private static <T> T taken(BlockingQueue<T> queue) {
        try {
            return queue.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("nobody wants more");
        }
    }

    @ParameterizedTest
    @FieldSource("ASYNCHRONOUS")
    void whileTheSourceWaitsItemsGoOn(String plan) {
        try (Pool reader = Pools.open(plan);
                Pool pool = Pools.open("threads:1")) {
            var lines = new LinkedBlockingQueue<>(List.of(0));
            var seen = new ArrayList<Integer>();
            var run = Pipeline.from(Stream.generate(() -> taken(lines)).limit(5))
                    .readingOn(reader)
                    .through("one", pool, n -> n)
                    .recording()
                    .run(n -> {
                        seen.add(n);
                        lines.add(n + 1); // the source waits for this
                    });
            assertThat(seen).containsExactly(0, 1, 2, 3, 4);
            assertThat(run.runs()).extracting(StageRun::stage).containsOnly("one");
            assertIdle(reader, pool);
        }
    }

    /** A waiting worker runs queued tasks, but not a read of the source while other tasks may still end. */
    @ParameterizedTest
    @ValueSource(strings = {"threads:3", "virtual"})
    void whileTheSourceWaitsItemsGoOnInATaskOfTheSamePoolToo(String plan) throws Exception {
        try (Pool reader = Pools.open(plan);
                Pool pool = Pools.open("threads:1")) {
            for (int i = 0; i < 50; i++) {
                var lines = new LinkedBlockingQueue<>(List.of(0));
                TaskFuture<List<Integer>> seen = reader.submit(() -> {
                    var handedOut = new ArrayList<Integer>();
                    Pipeline.from(Stream.generate(() -> taken(lines)).limit(3))
                            .readingOn(reader)
                            .through("one", pool, n -> n)
                            .run(n -> {
                                handedOut.add(n);
                                lines.add(n + 1);
                            });
                    return handedOut;
                });
                assertThat(seen.get(60, SECONDS)).containsExactly(0, 1, 2);
            }
        }
    }

    /**
     * The read of a pipeline is not refused because the pool is full of other tasks; it waits for room, as items do.
     */
    @ParameterizedTest
    @ValueSource(strings = {"threads:1?backlog=0&full=reject", "threads:1?backlog=0",
        "threads:1?backlog=0&full=caller-runs", "threads:1"})
    void aStageMayShareTheReadersPool(String plan) {
        try (Pool shared = Pools.open(plan);
                Pool other = Pools.open("threads:2")) {
            assertThat(Pipeline.from(items(200))
                    .readingOn(shared)
                    .through("one", other, n -> n)
                    .through("two", shared, n -> n)
                    .inOrder()
                    .toList()
                    .values())
                    .isEqualTo(items(200));
            assertIdle(shared, other);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void aSourceReadElsewhereBringsAllItsItems(String plan) {
        try (Pool reader = Pools.open(plan);
                Pool pool = Pools.open("threads:2")) {
            List<Integer> withNull = Arrays.asList(1, null, 3);
            Pipeline<Integer, Integer> without = Pipeline.from(withNull).readingOn(reader);
            assertThat(without.toList().values()).isEqualTo(withNull);
            assertThat(without.through("one", pool, n -> n).inOrder().toList().values()).isEqualTo(withNull);
            assertThat(Pipeline.from(List.of()).readingOn(reader).toList().values()).isEmpty();
            assertIdle(reader, pool);
        }
    }

    @Test
    void aSourceReadElsewhereIsReadOnlyAsFarAsThereIsRoom() {
        try (Pool reader = Pools.open("virtual");
                Pool pool = Pools.open("threads:2")) {
            var read = new AtomicInteger();
            var most = new AtomicInteger();
            Pipeline.from(Stream.generate(read::getAndIncrement).limit(100))
                    .readingOn(reader)
                    .through("one", pool, n -> {
                        most.accumulateAndGet(read.get() - n, Math::max);
                        return n;
                    }, stage -> stage.atMost(1).ahead(2))
                    .inOrder()
                    .toList();
            assertThat(read).hasValue(100);
            assertThat(most.get()).as("ahead of the one that runs").isBetween(1, 4);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void whatASourceReadElsewhereThrowsEndsIt(String plan) {
        try (Pool reader = Pools.open(plan);
                Pool pool = Pools.open("threads:2")) {
            for (Throwable thrown : List.of(new IllegalStateException("the source's"),
                    new AssertionError("the source's"))) {
                Stream<Integer> source = Stream.iterate(0, n -> {
                    if (n < 20) {
                        return n + 1;
                    } else if (thrown instanceof Error error) {
                        throw error;
                    }
                    throw (RuntimeException) thrown;
                });
                assertThat(catchThrowable(() -> Pipeline.from(source)
                        .readingOn(reader)
                        .through("one", pool, n -> n)
                        .collectingFailures(failure -> {})
                        .run(n -> {})))
                        .isSameAs(thrown);
                assertIdle(reader, pool);
            }
        }
    }

    @ParameterizedTest
    @FieldSource("ASYNCHRONOUS")
    void theEndCancelsTheReadUnderWay(String plan) {
        try (Pool reader = Pools.open(plan);
                Pool pool = Pools.open("threads:1")) {
            var lines = new LinkedBlockingQueue<>(List.of(0));
            assertThatThrownBy(() -> Pipeline.from(Stream.generate(() -> taken(lines)))
                    .readingOn(reader)
                    .through("fails", pool, n -> unless(true, n))
                    .toList())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(ArithmeticException.class);
            assertIdle(reader, pool);
        }
    }

    @ParameterizedTest
    @FieldSource("ASYNCHRONOUS")
    void anInterruptCancelsTheReadUnderWay(String plan) throws Exception {
        try (Pool reader = Pools.open(plan);
                Pool pool = Pools.open("threads:1")) {
            var handedOut = new CountDownLatch(1);
            var lines = new LinkedBlockingQueue<>(List.of(0));
            Caller<?> caller = Caller.of(() -> Pipeline.from(Stream.generate(() -> taken(lines)))
                    .readingOn(reader)
                    .through("one", pool, n -> n)
                    .run(n -> handedOut.countDown()));
            handedOut.await();
            caller.awaitWaitingIn("await");
            caller.interrupt();
            assertThat(caller.failure())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(InterruptedException.class);
            assertIdle(reader, pool);
        }
    }

    @Test
    void aReaderThatIsShutDownEndsIt() {
        try (Pool reader = Pools.open("threads:1");
                Pool pool = Pools.open("threads:1")) {
            assertThatThrownBy(() -> Pipeline.from(counting(new AtomicInteger()))
                    .readingOn(reader)
                    .through("one", pool, n -> n)
                    .run(n -> reader.shutdown()))
                    .isInstanceOf(RejectedSubmissionException.class);
            assertIdle(pool);
        }
    }

    // ---- interrupts ----

    @ParameterizedTest
    @FieldSource("ASYNCHRONOUS")
    void anInterruptCancelsEverything(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            var signal = new CountDownLatch(1);
            var interrupted = new AtomicInteger();
            var begun = new AtomicInteger();
            Caller<Boolean> caller = Caller.of(() -> {
                Throwable thrown = catchThrowable(() -> Pipeline.from(counting(new AtomicInteger()))
                        .through("endless", pool, n -> {
                            begun.incrementAndGet();
                            try {
                                signal.countDown();
                                new CountDownLatch(1).await();
                                return n;
                            } catch (InterruptedException e) {
                                interrupted.incrementAndGet();
                                throw e;
                            }
                        }, stage -> stage.atMost(3))
                        .collectingFailures(failure -> {})
                        .toList());
                assertThat(thrown)
                        .isInstanceOf(CompletionException.class)
                        .hasCauseInstanceOf(InterruptedException.class);
                assertThat(interrupted.get()).isPositive().isEqualTo(begun.get());
                assertIdle(pool);
                return Thread.currentThread().isInterrupted();
            });
            assertThat(signal.await(30, SECONDS)).isTrue();
            caller.awaitWaitingIn("await");
            caller.interrupt();
            assertThat(caller.result()).as("the interrupt status").isTrue();
        }
    }

    @Test
    void anInterruptOfAnInlineTaskIsAnInterruptOfThePipeline() throws Exception {
        try (Pool pool = Pools.open("inline")) {
            var begun = new CountDownLatch(1);
            var collected = new ArrayList<PipelineFailure<Integer>>();
            Caller<?> caller = Caller.of(() -> Pipeline.from(items(5))
                    .through("sleeps", pool, n -> {
                        begun.countDown();
                        new CountDownLatch(1).await();
                        return n;
                    })
                    .collectingFailures(collected::add)
                    .toList());
            begun.await();
            caller.interrupt();
            assertThat(caller.failure())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(InterruptedException.class);
            assertThat(collected).isEmpty();
        }
    }

    @Test
    void aBusyRunIsInterruptedTooAndAnIdleOneKeepsTheStatus() {
        try (Pool pool = Pools.open("inline")) {
            Throwable thrown = catchThrowable(() -> Pipeline.from(counting(new AtomicInteger()))
                    .through("one", pool, n -> n)
                    .run(n -> {
                        if (n == 3) {
                            Thread.currentThread().interrupt();
                        }
                        assertThat(n).isLessThan(4);
                    }));
            assertThat(Thread.interrupted()).isTrue();
            assertThat(thrown).hasCauseInstanceOf(InterruptedException.class);
        }
    }

    @Test
    void aLimitAroundItEndsIt() {
        try (Pool pool = Pools.open("threads:2")) {
            assertThatThrownBy(() -> CancelScope.within(Duration.ofMillis(5)).run(() -> Pipeline.from(items(10))
                    .through("endless", pool, n -> {
                        new CountDownLatch(1).await();
                        return n;
                    })
                    .toList()))
                    .isInstanceOf(TimeoutException.class);
            assertIdle(pool);
        }
    }

    // ---- pools ----

    @ParameterizedTest
    @FieldSource("PLANS")
    void aTaskOfAPoolMayRunOneOnItsOwnPool(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<List<Integer>> inner = pool.submit(() -> Pipeline.from(items(50))
                    .through("one", pool, n -> n + 1)
                    .through("two", pool, n -> n * 2)
                    .inOrder()
                    .toList()
                    .values());
            assertThat(inner.get(30, SECONDS)).isEqualTo(items(50).stream().map(n -> 2 * (n + 1)).toList());
            assertIdle(pool);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void aTaskThatRunsOneMayBeCancelled(String plan) throws Exception {
        try (Pool others = Pools.open("virtual")) {
            try (Pool pool = Pools.open(plan)) {
                var begun = new CountDownLatch(1);
                Caller<Boolean> caller = Caller.of(() -> {
                    TaskFuture<List<Integer>> outer = pool.submit(() -> Pipeline.from(items(50))
                            .through("endless", others, n -> {
                                begun.countDown();
                                new CountDownLatch(1).await();
                                return n;
                            })
                            .toList()
                            .values());
                    begun.await();
                    return outer.cancel(true);
                });
                assertThat(begun.await(30, SECONDS)).isTrue();
                if (plan.equals("inline")) {
                    caller.interrupt();
                    caller.failure();
                } else {
                    assertThat(caller.result()).isTrue();
                }
            }
            assertIdle(others);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void aPoolThatIsShutDownFailsTheItemAndNotThePipeline(String plan) {
        try (Pool open = Pools.open(plan);
                Pool shut = Pools.open(plan)) {
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            List<Integer> values = new ArrayList<>();
            Pipeline<Integer, Integer> pipeline = Pipeline.from(items(20))
                    .through("open", open, n -> n, stage -> stage.atMost(1).ahead(0))
                    .through("shut", shut, n -> n, stage -> stage.atMost(1).ahead(0));
            pipeline.collectingFailures(failures::add)
                    .run(n -> {
                        values.add(n);
                        if (n == 3) {
                            shut.shutdown();
                        }
                    });
            assertThat(values.size() + failures.size()).isEqualTo(20);
            assertThat(failures).isNotEmpty().allSatisfy(failure -> {
                assertThat(failure.stage()).isEqualTo("shut");
                assertThat(failure.cause()).isInstanceOf(RejectedSubmissionException.class);
            });
            assertThatThrownBy(pipeline::toList)
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(RejectedSubmissionException.class);
            assertIdle(open);
        }
    }

    @Test
    void shutdownNowFailsWhatItCancels() throws Exception {
        try (Pool pool = Pools.open("threads:2")) {
            var begun = new CountDownLatch(2);
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            Caller<PipelineResult<Integer>> caller = Caller.of(() -> Pipeline.from(items(6))
                    .through("endless", pool, n -> {
                        begun.countDown();
                        new CountDownLatch(1).await();
                        return n;
                    })
                    .collectingFailures(failures::add)
                    .toList());
            begun.await();
            pool.shutdownNow();
            assertThat(caller.result().statistics().failed()).isEqualTo(6);
            assertThat(failures.stream().filter(failure -> failure.cause() instanceof CancellationException))
                    .hasSize(2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"block", "reject", "caller-runs"})
    void stagesMayShareABoundedPool(String whenFull) {
        for (String plan : List.of("threads:1", "threads:2", "virtual:2")) {
            try (Pool pool = Pools.open(plan + "?backlog=1&full=" + whenFull)) {
                UnaryOperator<StageOptions> more = stage -> stage.atMost(5).ahead(5);
                assertThat(Pipeline.from(items(300))
                        .through("one", pool, n -> n + 1, more)
                        .through("two", pool, n -> n + 1, more)
                        .through("three", pool, n -> n + 1, more)
                        .inOrder()
                        .toList()
                        .values())
                        .isEqualTo(items(303).subList(3, 303));
                assertThat(pool.statistics().rejected()).isZero();
            }
        }
    }

    @Test
    void aPoolFullOfTheTasksOfOthersFailsTheItem() throws Exception {
        try (Pool pool = Pools.open("threads:1?backlog=0&full=reject")) {
            var release = new CountDownLatch(1);
            pool.submit(() -> {
                release.await();
                return 1;
            });
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            PipelineResult<Integer> result = Pipeline.from(items(3))
                    .through("one", pool, n -> n)
                    .collectingFailures(failures::add)
                    .toList();
            release.countDown();
            assertThat(result.values()).isEmpty();
            assertThat(failures).hasSize(3).allSatisfy(failure -> assertThat(failure.cause())
                    .isInstanceOf(RejectedSubmissionException.class)
                    .hasMessageContaining("is full"));
        }
    }

    @Test
    void anInterruptEndsTheWaitForRoom() throws Exception {
        try (Pool pool = Pools.open("threads:1?backlog=0")) {
            var release = new CountDownLatch(1);
            pool.submit(() -> {
                release.await();
                return 1;
            });
            Caller<?> caller = Caller.of(() -> Pipeline.from(items(3))
                    .through("one", pool, n -> n)
                    .collectingFailures(failure -> {})
                    .toList());
            caller.awaitWaitingIn("waitForPlace");
            caller.interrupt();
            assertThat(caller.failure()).hasCauseInstanceOf(InterruptedException.class);
            release.countDown();
        }
    }

    @Test
    void onlyOurOwnPoolsAndNamesThatDiffer() {
        try (Pool pool = Pools.open("inline")) {
            Pipeline<Integer, Integer> one = Pipeline.from(items(1)).through("one", pool, n -> n);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> one.through("one", pool, n -> n))
                    .withMessage("stages must differ in their names, one is there already");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> one.through("two", pool, n -> n, stage -> stage.atMost(0)))
                    .withMessage("atMost must be >= 1, was 0");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> one.through("two", pool, n -> n, stage -> stage.ahead(-1)))
                    .withMessage("ahead must be >= 0, was -1");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> one.onProgress(Duration.ZERO, progress -> {}))
                    .withMessage("every must be > 0, was PT0S");
            PipelineStatistics seen = one.toList().statistics();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> seen.stage("two"))
                    .withMessage("no stage is called two; there are [one]");
        }
    }

    // ---- limits of a run ----

    @ParameterizedTest
    @FieldSource("ASYNCHRONOUS")
    void aTimeLimitFailsTheItem(String plan) {
        try (Pool pool = Pools.open(plan)) {
            List<PipelineFailure<Integer>> failures = new ArrayList<>();
            PipelineStatistics seen = Pipeline.from(items(1))
                    .through("stalls", pool, n -> {
                        EventLoop.sleep(Duration.ofMinutes(1));
                        return n;
                    }, stage -> stage.task(TaskOptions.timeLimit(Duration.ofMillis(10))))
                    .collectingFailures(failures::add)
                    .run(n -> {})
                    .statistics();
            assertThat(seen.failed()).isOne();
            assertThat(failures).singleElement().satisfies(failure -> assertThat(failure.cause())
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageStartingWith("task stalls ran longer than 10 ms"));
            assertIdle(pool);
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void anItemMayBeTriedAgain(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            var attempts = new java.util.concurrent.ConcurrentHashMap<Integer, Integer>();
            TaskFunction<Integer, Integer> secondTime = n -> {
                if (attempts.merge(n, 1, Integer::sum) == 1) {
                    throw new IOException("try again");
                }
                return n;
            };
            Pipeline<Integer, Integer> pipeline = Pipeline.from(items(20))
                    .through("again", pool, secondTime, stage -> stage.task(TaskOptions.NONE.retry(Retry.attempts(2))));
            assertThat(pipeline.toList().values()).containsExactlyInAnyOrderElementsOf(items(20));
            attempts.clear();
            assertThat(pool.submit(() -> pipeline.toList().values()).get(30, SECONDS))
                    .as("run by a worker")
                    .containsExactlyInAnyOrderElementsOf(items(20));
            assertIdle(pool);
        }
    }

    // ---- figures ----

    @ParameterizedTest
    @FieldSource("PLANS")
    void progressIsToldAndTheLastIsTheEnd(String plan) {
        try (Pool pool = Pools.open(plan)) {
            List<PipelineStatistics> seen = new ArrayList<>();
            PipelineResult<Integer> result = Pipeline.from(items(30))
                    .through("one", pool, n -> n)
                    .through("two", pool, n -> unless(n % 2 != 0, n))
                    .collectingFailures(failure -> {})
                    .onProgress(Duration.ofNanos(1), seen::add)
                    .toList();
            assertThat(seen).hasSizeGreaterThan(2).allSatisfy(progress -> {
                assertThat(progress.in()).isLessThanOrEqualTo(30);
                StageStatistics one = progress.stage("one");
                StageStatistics two = progress.stage("two");
                assertThat(one.waiting() + one.running() + one.done() + one.failed()).isEqualTo(progress.in());
                assertThat(two.waiting() + two.running() + two.done() + two.failed())
                        .isEqualTo(one.done() - one.held());
                assertThat(progress.out() + progress.failed() + progress.underWay()).isEqualTo(progress.in());
            });
            assertThat(seen.getLast().out()).isEqualTo(15);
            assertThat(seen.getLast().stages()).isEqualTo(result.statistics().stages());
        }
    }

    @Test
    void progressThatIsSeldomAskedForIsToldOnceAtTheEnd() {
        try (Pool pool = Pools.open("threads:2")) {
            List<PipelineStatistics> seen = new ArrayList<>();
            Pipeline.from(items(30))
                    .through("one", pool, n -> n)
                    .onProgress(Duration.ofDays(365), seen::add)
                    .run(n -> {});
            assertThat(seen).singleElement().satisfies(progress -> assertThat(progress.out()).isEqualTo(30));
        }
    }

    @ParameterizedTest
    @FieldSource("PLANS")
    void aRecordingTellsWhatRanWhenAndWhere(String plan) {
        try (Pool pool = Pools.open(plan + (plan.contains("?") ? "&" : "?") + "name=recorded")) {
            PipelineResult<Integer> result = Pipeline.from(items(20))
                    .through("one", pool, n -> n)
                    .through("two", pool, n -> unless(n % 4 == 0, n))
                    .collectingFailures(failure -> {})
                    .recording()
                    .toList();
            assertThat(result.runs()).hasSize(40).allSatisfy(run -> {
                assertThat(run.start().isNegative()).isFalse();
                assertThat(run.end()).isGreaterThanOrEqualTo(run.start())
                        .isLessThanOrEqualTo(result.statistics().elapsed());
                assertThat(run.succeeded()).isEqualTo(run.stage().equals("one") || run.item() % 4 != 0);
                assertThat(run.worker()).startsWith(switch (plan.replaceAll("[:?].*", "")) {
                    case "inline" -> Thread.currentThread().getName();
                    case "loop" -> run.stage();
                    default -> "recorded";
                });
            });
            for (StageRun one : result.runs()) {
                for (StageRun two : result.runs()) {
                    if (one.item() == two.item() && one.stage().equals("one") && two.stage().equals("two")) {
                        assertThat(one.end()).isLessThanOrEqualTo(two.start());
                    }
                }
            }
            assertThat(result.runs().stream().map(run -> run.stage() + run.item()).distinct()).hasSize(40);
        }
    }

    // ---- random runs ----

    /** One random run, and the observations of its tasks. */
    private static final class Scene {
        private static final List<String> POOLS = List.of(
                "inline",
                "threads:1",
                "threads:3",
                "threads:1?backlog=0&full=reject",
                "threads:2?backlog=1&full=caller-runs",
                "threads:2?backlog=1",
                "virtual",
                "virtual:2?backlog=0",
                "loop",
                "loop?mechanism=baton");

        final RandomGenerator random;
        final int count;
        final int stages;
        final int[] atMost;
        final double failing;
        final AtomicInteger[] now;
        final AtomicInteger[] most;
        final AtomicIntegerArray runs;
        final boolean collecting;
        final boolean ordered;
        final int consumerThrowsAt;
        final int interruptAt;
        final int shutdownAt;
        final List<Pool> pools = new ArrayList<>();
        /** None or one. */
        final List<Pool> readers = new ArrayList<>();
        final List<Integer> values = new ArrayList<>();
        final List<PipelineFailure<Integer>> failures = new ArrayList<>();
        final List<PipelineStatistics> progress = new ArrayList<>();
        final long salt;

        Scene(RandomGenerator random) {
            this.random = random;
            count = random.nextInt(200);
            stages = 1 + random.nextInt(4);
            atMost = IntStream.range(0, stages).map(i -> 1 + random.nextInt(5)).toArray();
            failing = random.nextBoolean() ? 0 : random.nextDouble() / 10;
            now = Stream.generate(AtomicInteger::new).limit(stages).toArray(AtomicInteger[]::new);
            most = Stream.generate(AtomicInteger::new).limit(stages).toArray(AtomicInteger[]::new);
            runs = new AtomicIntegerArray(stages * count);
            collecting = random.nextInt(3) > 0;
            ordered = random.nextBoolean();
            consumerThrowsAt = random.nextInt(6) == 0 ? random.nextInt(count + 1) : -1;
            interruptAt = random.nextInt(4) == 0 ? random.nextInt(count + 1) : -1;
            shutdownAt = random.nextInt(6) == 0 ? random.nextInt(count + 1) : -1;
            salt = random.nextLong();
        }

        boolean fails(int stage, int item) {
            return new SplittableRandom(salt + stage * 1000L + item).nextDouble() < failing;
        }

        private int work(int stage, int item, Thread runner) {
            runs.incrementAndGet(stage * count + item);
            most[stage].accumulateAndGet(now[stage].incrementAndGet(), Math::max);
            try {
                Work.spin(new SplittableRandom(salt - stage * 1000L - item).nextInt(3000));
                if (item == interruptAt && stage == 0) {
                    runner.interrupt();
                }
                if (item == shutdownAt && stage == stages - 1) {
                    pools.getFirst().shutdownNow();
                }
                return unless(fails(stage, item), item);
            } finally {
                now[stage].decrementAndGet();
            }
        }

        Pipeline<Integer, Integer> pipeline() {
            Thread runner = Thread.currentThread();
            Pipeline<Integer, Integer> made = Pipeline.from(Stream.iterate(0, n -> n + 1).limit(count));
            for (int i = 0; i < stages; i++) {
                int stage = i;
                int ahead = random.nextInt(4);
                made = made.through(
                        "stage " + i,
                        pools.get(random.nextInt(pools.size())),
                        n -> work(stage, n, runner),
                        options -> options.atMost(atMost[stage]).ahead(ahead));
            }
            made = made.onProgress(Duration.ofNanos(1 + random.nextInt(100_000)), progress::add).recording();
            made = collecting ? made.collectingFailures(failures::add) : made;
            made = readers.isEmpty()
                    ? made
                    : made.readingOn(random.nextInt(3) > 0 ? readers.getFirst() : pools.getFirst());
            return ordered ? made.inOrder() : made;
        }

        private void consume(int value) {
            if (values.size() == consumerThrowsAt) {
                throw new NoSuchElementException("no more");
            }
            values.add(value);
        }

        /** Runs the pipeline, and checks the conditions that hold for every outcome. */
        void play() throws Exception {
            List<String> plans = Stream.generate(() -> POOLS.get(random.nextInt(POOLS.size())))
                    .limit(1 + random.nextInt(3))
                    .toList();
            plans.forEach(plan -> pools.add(Pools.open(plan)));
            if (random.nextBoolean()) {
                readers.add(Pools.open(PLANS.get(random.nextInt(PLANS.size()))));
            }
            try {
                boolean mayRefuse = plans.getFirst().contains("reject"); // full of the task that runs it
                if (shutdownAt < 0 && !mayRefuse && random.nextInt(3) == 0) {
                    pools.getFirst().submit(this::runAndCheck).get(60, SECONDS);
                } else {
                    runAndCheck();
                }
                List<Pool> all = Stream.concat(pools.stream(), readers.stream()).toList();
                all.forEach(Pool::close);
                all.forEach(PipelineTest::assertIdle);
            } finally {
                pools.forEach(Pool::shutdownNow);
                readers.forEach(Pool::shutdownNow);
            }
        }

        private Void runAndCheck() {
            PipelineResult<Integer> result = null;
            Throwable thrown = null;
            try {
                result = pipeline().run(this::consume);
            } catch (Throwable e) {
                thrown = e;
            }
            boolean interrupted = Thread.interrupted();

            assertThat(now).extracting(AtomicInteger::get).as("nothing runs any more").containsOnly(0);
            for (int stage = 0; stage < stages; stage++) {
                assertThat(most[stage].get()).as("at once in stage %s", stage).isLessThanOrEqualTo(atMost[stage]);
            }
            for (int i = 0; i < runs.length(); i++) {
                assertThat(runs.get(i)).as("runs of item %s in stage %s", i % count, i / count).isLessThanOrEqualTo(1);
            }
            if (ordered) {
                assertThat(values).isSorted();
            }
            assertThat(values).doesNotHaveDuplicates()
                    .allMatch(n -> IntStream.range(0, stages).noneMatch(i -> fails(i, n)));
            for (PipelineStatistics seen : progress) {
                assertCountsAddUp(seen);
            }
            if (result != null) {
                assertEveryItemEnded(result);
            } else {
                assertEndHasAReason(thrown, interrupted);
            }
            return null;
        }

        private static void assertCountsAddUp(PipelineStatistics seen) {
            long came = seen.in();
            for (StageStatistics stage : seen.stages()) {
                assertThat(stage.waiting() + stage.running() + stage.done() + stage.failed()).as("%s", seen)
                        .isEqualTo(came);
                came = stage.done() - stage.held();
            }
            assertThat(came).isEqualTo(seen.out());
            assertThat(seen.failed()).isEqualTo(seen.stages().stream().mapToLong(StageStatistics::failed).sum());
        }

        private void assertEveryItemEnded(PipelineResult<Integer> result) {
            PipelineStatistics seen = result.statistics();
            assertCountsAddUp(seen);
            assertThat(progress.getLast().stages()).isEqualTo(seen.stages());
            assertThat(seen.in()).isEqualTo(count);
            assertThat(seen.underWay()).isZero();
            assertThat(Stream.concat(values.stream(), failures.stream().map(PipelineFailure::item)))
                    .as("each once")
                    .hasSize(count)
                    .doesNotHaveDuplicates();
            for (PipelineFailure<Integer> failure : failures) {
                int stage = Integer.parseInt(failure.stage().substring("stage ".length()));
                if (fails(stage, failure.item()) && failure.cause() instanceof ArithmeticException) {
                    assertThat(failure.cause()).hasMessage("no " + failure.item());
                } else {
                    assertThat(shutdownAt).as("why %s", failure).isNotNegative();
                    assertThat(failure.cause()).isInstanceOfAny(CancellationException.class,
                            RejectedSubmissionException.class);
                }
            }
            int ran = IntStream.range(0, runs.length()).map(runs::get).sum();
            assertThat(result.runs().size()).as("recorded").isGreaterThanOrEqualTo(ran);
            if (shutdownAt < 0) {
                assertThat(result.runs()).hasSize(ran);
            }
        }

        private void assertEndHasAReason(Throwable thrown, boolean interrupted) {
            if (thrown instanceof NoSuchElementException) {
                assertThat(values).hasSize(consumerThrowsAt);
            } else if (thrown instanceof CompletionException && thrown.getCause() instanceof InterruptedException) {
                assertThat(interruptAt).isNotNegative();
                assertThat(interrupted).isTrue();
            } else if (thrown instanceof RejectedSubmissionException || thrown instanceof CancellationException) {
                assertThat(readers).as("a read that %s", thrown).isNotEmpty();
                assertThat(shutdownAt).isNotNegative();
            } else {
                assertThat(thrown).isInstanceOf(CompletionException.class);
                assertThat(collecting).as("failures are collected, but %s", thrown).isFalse();
                if (shutdownAt < 0) {
                    assertThat(thrown).hasCauseInstanceOf(ArithmeticException.class);
                }
            }
        }
    }

    @Test
    void whateverHappensEveryItemEndsOnceAndNothingIsLeft() {
        Seeded.repeat(150, random -> new Scene(random.generator()).play());
    }
}
