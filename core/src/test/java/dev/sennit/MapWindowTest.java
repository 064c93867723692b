package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Work;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** How {@code map} cuts, on a pool where an item takes as long as the test says. */
class MapWindowTest {
    private static final long MILLI = 1_000_000;

    private static List<Integer> items(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    /** The same items, when nobody knows how many there are. */
    private static Iterable<Integer> stream(int count) {
        return () -> IntStream.range(0, count).iterator();
    }

    private static FakePool pool(int workers, Duration chunkTime, long nanosPerItem) {
        var pool = new FakePool(workers);
        pool.chunkTime = chunkTime;
        pool.nanosPerItem = chunk -> nanosPerItem;
        return pool;
    }

    private static MapWindow<Integer, Integer> window(
            FakePool pool, TaskFunction<Integer, Integer> function, MapWindow.Order order, int known) {
        return new MapWindow<>(pool, function, order, known, MapWindow.MEASURED, null);
    }

    private static int sum(List<Integer> sizes) {
        return sizes.stream().mapToInt(Integer::intValue).sum();
    }

    @Test
    void theFirstChunkIsOneItemAndTheNextAtMostTwiceAsLarge() {
        var pool = pool(1, Duration.ofMillis(100), 1);

        assertThat(pool.map(Work::square, stream(5_000))).hasSize(5_000);
        assertThat(pool.chunks.getFirst()).isEqualTo(1);
        assertThat(sum(pool.chunks)).isEqualTo(5_000);
        for (int i = 4; i < pool.chunks.size(); i++) { // four are under way: what it learns it learns that much later
            assertThat(pool.chunks.get(i)).isLessThanOrEqualTo(16 * pool.chunks.get(i - 4));
        }
        assertThat(java.util.Collections.max(pool.chunks)).isGreaterThanOrEqualTo(500);
    }

    @Test
    void chunksGrowToTheTimeThatAMessageShouldTake() {
        var pool = pool(1, Duration.ofMillis(100), 5 * MILLI);
        pool.map(Work::square, stream(500));

        assertThat(pool.chunks.subList(10, pool.chunks.size() - 1)).containsOnly(20);
    }

    @Test
    void slowItemsTravelAlone() {
        var pool = pool(2, Duration.ofMillis(100), 200 * MILLI);
        pool.map(Work::square, stream(50));

        assertThat(pool.chunks).hasSize(50).containsOnly(1);
    }

    @Test
    void withoutATimeForAMessageEveryItemTravelsAlone() {
        var pool = pool(2, Duration.ZERO, 1);
        pool.map(Work::square, stream(50));

        assertThat(pool.chunks).hasSize(50).containsOnly(1);
    }

    @Test
    void aSizeSetByHandIsKeptWhateverTheItemsTake() {
        for (Iterable<Integer> items : List.of(items(1_000), stream(1_000))) {
            var pool = pool(4, Duration.ofMillis(100), 200 * MILLI);
            assertThat(new PoolMapper(pool, 300).map(Work::square, items)).hasSize(1_000);

            assertThat(pool.chunks).containsExactly(300, 300, 300, 100);
        }
    }

    @Test
    void noChunkIsLargerThan65536() {
        var pool = pool(1, Duration.ofHours(1), 1);
        pool.map(n -> n, stream(600_000));

        assertThat(pool.chunks).contains(1 << 16).allMatch(size -> size <= 1 << 16);
        assertThat(sum(pool.chunks)).isEqualTo(600_000);
    }

    @Test
    void oneSlowChunkCountsAtOnceAndIsForgottenSlowly() {
        var pool = new FakePool(1);
        pool.chunkTime = Duration.ofMillis(64);
        int slow = 1_000;
        pool.nanosPerItem = chunk -> chunk.items().contains(slow) ? 64 * MILLI : MILLI;
        pool.map(n -> n, stream(5_000));

        int at = indexOfItem(pool.chunks, slow);
        assertThat(pool.chunks.get(at)).isEqualTo(64);
        List<Integer> after = pool.chunks.subList(at + 1, pool.chunks.size());
        int reaction = after.indexOf(1);
        assertThat(reaction).as("as soon as it came back: %s", after).isBetween(0, 4);
        assertThat(after.subList(reaction, reaction + 7))
                .as("the estimate is halved with each fast chunk")
                .containsExactly(1, 2, 4, 8, 16, 32, 64);
    }

    private static int indexOfItem(List<Integer> sizes, int item) {
        int before = 0;
        for (int i = 0; i < sizes.size(); i++) {
            before += sizes.get(i);
            if (item < before) {
                return i;
            }
        }
        throw new AssertionError("no chunk has item " + item);
    }

    @Test
    void whenTheNumberIsKnownTheLastChunksAreSmall() {
        var pool = pool(4, Duration.ofHours(1), 1);
        int count = 10_000;
        pool.map(n -> n, items(count));

        int left = count;
        for (int size : pool.chunks) {
            assertThat(size).isLessThanOrEqualTo(Math.max(1, left / 8));
            left -= size;
        }
        assertThat(left).isZero();
        assertThat(pool.chunks.getLast()).isEqualTo(1);
    }

    @Test
    void noMoreThanAWindowIsUnderWay() {
        var pool = pool(3, Duration.ofMillis(1), MILLI);
        var taken = new AtomicInteger();
        var most = new AtomicInteger();
        Iterable<Integer> counted = () -> new Iterator<>() {
            private final Iterator<Integer> source = stream(500).iterator();

            @Override
            public boolean hasNext() {
                return source.hasNext();
            }

            @Override
            public Integer next() {
                taken.incrementAndGet();
                most.accumulateAndGet(pool.queue.size(), Math::max);
                return source.next();
            }
        };
        pool.map(n -> n, counted);

        assertThat(taken).hasValue(500);
        assertThat(most).as("chunks in the queue: four for each worker").hasValue(12);
    }

    @Test
    void whereAnyNumberCanRunTheWindowIsBoundedAllTheSame() {
        for (int known : new int[] {MapWindow.UNKNOWN, 3_000}) {
            var pool = pool(Integer.MAX_VALUE, Duration.ZERO, 1);
            var window = window(pool, Work::square, MapWindow.Order.ALL_OR_NOTHING, known);
            for (int i = 0; i < 1_024; i++) {
                window.add(i, value -> true);
            }
            assertThat(pool.queue).hasSize(1_024);
            window.add(1_024, value -> true);
            assertThat(pool.queue).as("it waited for the oldest, and so the rest has run").hasSizeLessThan(1_025);
        }
    }

    @Test
    void aLimitThatIsSetMakesTheWindowAsWide() {
        var pool = pool(5_000, Duration.ZERO, 1);
        var window = window(pool, Work::square, MapWindow.Order.ALL_OR_NOTHING, MapWindow.UNKNOWN);
        for (int i = 0; i < 5_000; i++) {
            window.add(i, value -> true);
        }
        assertThat(pool.queue).hasSize(5_000);
    }

    @Test
    void aSourceThatIsSlowIsNotHeldUp() {
        var pool = pool(2, Duration.ofHours(1), 1);
        var window = new MapWindow<Integer, Integer>(pool, Work::square, MapWindow.Order.ALL_OR_NOTHING,
                MapWindow.UNKNOWN, MapWindow.MEASURED, null);
        List<Integer> results = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            window.add(i, results::add);
            pool.runAll(); // a worker is idle again before the next item is there
        }

        assertThat(pool.chunks).as("none waited for a chunk to be full").hasSize(100).containsOnly(1);
        window.finish(results::add);
        assertThat(results).isEqualTo(items(100).stream().map(Work::square).toList());
    }

    @Test
    void whatIsReadyIsHandedOnWithoutWaiting() {
        var pool = pool(2, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(pool, Work::square, MapWindow.Order.ALL_OR_NOTHING,
                MapWindow.UNKNOWN, MapWindow.MEASURED, null);
        List<Integer> results = new ArrayList<>();
        window.add(1, results::add);
        window.add(2, results::add);
        assertThat(results).isEmpty();
        pool.queue.removeLast().run(); // the second is ready first
        window.add(3, results::add);
        assertThat(results).as("not before the first").isEmpty();
        pool.runNext();
        window.add(4, results::add);

        assertThat(results).containsExactly(1, 4);
        window.cancel();
        assertThat(pool.queue).as("cancelled ones are left to the pool").allMatch(one -> one.future().isCancelled());
    }

    @Test
    void withoutOrderTheFirstReadyIsHandedOnFirst() {
        var pool = pool(2, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(pool, Work::square, MapWindow.Order.COMPLETION, MapWindow.UNKNOWN,
                MapWindow.MEASURED, null);
        List<Integer> results = new ArrayList<>();
        window.add(1, results::add);
        window.add(2, results::add);
        pool.queue.removeLast().run();
        window.add(3, results::add);
        assertThat(results).containsExactly(4);

        window.finish(results::add);
        assertThat(results).containsExactlyInAnyOrder(1, 4, 9);
    }

    @Test
    void aReceiverThatHasEnoughEndsIt() {
        var pool = pool(1, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(pool, Work::square, MapWindow.Order.ALL_OR_NOTHING,
                MapWindow.UNKNOWN, MapWindow.MEASURED, null);
        List<Integer> results = new ArrayList<>();
        window.add(1, results::add);
        window.add(2, results::add);
        pool.runNext();

        assertThat(window.add(3, value -> {
            results.add(value);
            return false;
        }))
                .isFalse();
        assertThat(results).containsExactly(1);
        assertThat(pool.queue).allMatch(one -> one.future().isCancelled());
        window.finish(results::add);
        assertThat(results).as("nothing comes after that").containsExactly(1);
    }

    @Test
    void aReceiverThatThrowsEndsIt() {
        var pool = pool(1, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(pool, Work::square, MapWindow.Order.ALL_OR_NOTHING,
                MapWindow.UNKNOWN, MapWindow.MEASURED, null);
        window.add(1, value -> true);
        window.add(2, value -> true);
        pool.runNext();

        assertThatThrownBy(() -> window.add(3, value -> {
            throw new IllegalStateException("enough");
        }))
                .hasMessage("enough");
        assertThat(pool.queue).isNotEmpty().allMatch(one -> one.future().isCancelled());
    }

    @Test
    void aFailureThatIsThereEndsItAtTheNextItem() {
        var pool = pool(4, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(pool, n -> n == 2 ? Work.failDeep(0) : n,
                MapWindow.Order.ALL_OR_NOTHING, MapWindow.UNKNOWN, MapWindow.MEASURED, null);
        window.add(1, value -> true);
        window.add(2, value -> true);
        pool.queue.removeLast().run(); // the second fails while the first waits

        assertThatThrownBy(() -> window.add(3, value -> true))
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(IllegalStateException.class);
        assertThat(pool.queue).isNotEmpty().allMatch(one -> one.future().isCancelled());
    }

    @Test
    void theFirstFailureIsTheOneThatIsThrown() {
        var pool = pool(4, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(
                pool,
                n -> {
                    throw new IllegalStateException("item " + n);
                },
                MapWindow.Order.ALL_OR_NOTHING,
                MapWindow.UNKNOWN, MapWindow.MEASURED, null);
        window.add(1, value -> true);
        window.add(2, value -> true);
        window.add(3, value -> true);
        pool.queue.removeLast().run();
        pool.queue.removeLast().run();

        assertThatThrownBy(() -> window.finish(value -> true)).hasRootCauseMessage("item 3");
    }

    // ---- what comes before a failure ----

    private static int failsAt(int failing, int n) {
        if (n == failing) {
            throw new IllegalStateException("item " + n);
        }
        return n;
    }

    @Test
    void inTheOrderOfTheItemsAllBeforeTheFailedOneComeAndThenItsFailure() {
        for (int failing = 0; failing < 40; failing++) {
            for (int size = 1; size < 9; size++) {
                int at = failing;
                var pool = pool(2, Duration.ofMillis(100), 1);
                List<Integer> results = new ArrayList<>();
                Stream<Integer> mapped =
                        items(60).stream().gather(new PoolMapper(pool, size).mapping(n -> failsAt(at, n)));

                assertThatThrownBy(() -> mapped.forEach(results::add))
                        .isInstanceOf(CompletionException.class)
                        .hasRootCauseMessage("item " + at);
                assertThat(results).isEqualTo(items(at));
                assertThat(pool.queue).as("what comes after it").allMatch(one -> one.future().isDone());
            }
        }
    }

    @Test
    void inTheOrderOfTheItemsAFailureWaitsForThoseBeforeItAndEndsThoseAfterIt() {
        var pool = pool(4, Duration.ZERO, 1);
        var window = window(pool, n -> failsAt(2, n), MapWindow.Order.ITEMS, MapWindow.UNKNOWN);
        List<Integer> results = new ArrayList<>();
        for (int item = 1; item <= 4; item++) {
            window.add(item, results::add);
        }
        var all = List.copyOf(pool.queue);
        pool.queue.remove(all.get(1));
        all.get(1).run(); // the second fails while the first waits
        assertThat(all).extracting(one -> one.future().isDone()).as("at once").containsExactly(false, true, true, true);
        assertThat(results).isEmpty();

        assertThatThrownBy(() -> window.add(5, results::add)).hasRootCauseMessage("item 2");
        assertThat(results).containsExactly(1);
        assertThat(pool.chunks).as("nothing was added").hasSize(4);
    }

    @Test
    void inTheOrderOfTheItemsTheFailureOfTheFirstIsTheOneThatIsThrown() {
        var pool = pool(4, Duration.ZERO, 1);
        var window = window(pool, n -> failsAt(n, n), MapWindow.Order.ITEMS, MapWindow.UNKNOWN);
        window.add(1, value -> true);
        window.add(2, value -> true);
        pool.queue.removeLast().run();

        assertThatThrownBy(() -> window.finish(value -> true)).hasRootCauseMessage("item 1");
    }

    @Test
    void withoutOrderWhatWasFinishedBeforeTheFailureComes() {
        var pool = pool(4, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(
                pool, n -> failsAt(4, n), MapWindow.Order.COMPLETION, MapWindow.UNKNOWN, 2, null);
        List<Integer> results = new ArrayList<>();
        for (int item = 1; item <= 8; item++) {
            window.add(item, results::add);
        }
        assertThat(pool.queue).hasSize(4);
        var all = List.copyOf(pool.queue);
        all.get(3).run();
        all.get(1).run();
        all.get(0).run();

        assertThatThrownBy(() -> window.finish(results::add)).hasRootCauseMessage("item 4");
        assertThat(results).as("in the order in which they were finished").containsExactly(7, 8, 3);
        assertThat(all).allMatch(one -> one.future().isDone());
    }

    @Test
    void aReceiverThatHasEnoughBeforeTheFailureDoesNotHearOfIt() {
        var pool = pool(1, Duration.ofMillis(100), 1);
        Stream<Integer> mapped = items(60).stream().gather(new PoolMapper(pool, 20).mapping(n -> failsAt(10, n)));
        assertThat(mapped.limit(10).toList()).isEqualTo(items(10));
    }

    @Test
    void whatAPoolThatIsShutDownCancelsEndsIt() {
        var pool = pool(4, Duration.ZERO, 1);
        var window = new MapWindow<Integer, Integer>(pool, Work::square, MapWindow.Order.ALL_OR_NOTHING,
                MapWindow.UNKNOWN, MapWindow.MEASURED, null);
        window.add(1, value -> true);
        pool.shutdownNow();

        assertThatThrownBy(() -> window.finish(value -> true)).isInstanceOf(CancellationException.class);
    }

    @Test
    void aFullPoolGetsRoomByTakingBackOnesOwnWork() {
        var pool = new FakePool(1, 1, BacklogPolicy.REJECT);
        pool.nanosPerItem = chunk -> 1;

        assertThat(pool.map(Work::square, items(20))).isEqualTo(items(20).stream().map(Work::square).toList());
        assertThat(pool.statistics().rejected()).as("it was full").isPositive();
    }

    @Test
    void aPoolThatIsFullOfOthersWorkRefuses() {
        var pool = new FakePool(1, 0, BacklogPolicy.REJECT);
        pool.submit(() -> 1);

        assertThatThrownBy(() -> pool.map(Work::square, items(3))).isInstanceOf(RejectedSubmissionException.class);
        assertThatThrownBy(() -> Stream.of(1, 2).gather(pool.mapping(Work::square)).toList())
                .isInstanceOf(RejectedSubmissionException.class);
    }

    @Test
    void aChunkThatIsInterruptedStopsBetweenItems() {
        var chunk = new Chunk<Integer, Integer>(n -> {
            Thread.currentThread().interrupt();
            return n;
        }, List.of(1, 2));
        try {
            assertThatThrownBy(chunk::call).isInstanceOf(InterruptedException.class);
        } finally {
            Thread.interrupted();
        }
    }
}
