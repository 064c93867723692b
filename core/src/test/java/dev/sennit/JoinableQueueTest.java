package dev.sennit;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import java.time.Duration;
import java.util.AbstractCollection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JoinableQueueTest {
    private static final int BOUND = 60;

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private static JoinableQueue<Integer> queue(String order, int capacity) {
        return switch (order) {
            case "fifo" -> JoinableQueue.fifo(capacity);
            case "lifo" -> JoinableQueue.lifo(capacity);
            default -> JoinableQueue.priority(capacity, Comparator.<Integer>naturalOrder());
        };
    }

    private static <T> Caller<T> parked(Callable<T> wait) {
        var started = new java.util.concurrent.atomic.AtomicReference<Thread>();
        Caller<T> caller = Caller.of(() -> {
            started.set(Thread.currentThread());
            return wait.call();
        });
        org.awaitility.Awaitility.await()
                .until(() -> started.get() != null
                        && (started.get().getState() == Thread.State.WAITING
                                || started.get().getState() == Thread.State.TIMED_WAITING));
        return caller;
    }

    private static void closedFor(Caller<?> caller) {
        assertThatThrownBy(caller::result)
                .satisfies(thrown -> assertThat(thrown instanceof QueueClosedException ? thrown : thrown.getCause())
                        .isInstanceOf(QueueClosedException.class));
    }

    @Test
    void eachKindHasItsOrder() {
        List<Integer> in = List.of(3, 1, 2, 1);
        for (String order : List.of("fifo", "lifo", "priority")) {
            var queue = queue(order, 10);
            queue.addAll(in);
            List<Integer> expected = switch (order) {
                case "fifo" -> in;
                case "lifo" -> in.reversed();
                default -> List.of(1, 1, 2, 3);
            };
            assertThat(queue).containsExactlyElementsOf(expected);
            List<Integer> out = new ArrayList<>();
            assertThat(queue.drainTo(out)).isEqualTo(4);
            assertThat(out).isEqualTo(expected);
            assertThat(queue.poll()).isNull();
            assertThat(queue.peek()).isNull();
            assertThatThrownBy(queue::remove).isInstanceOf(NoSuchElementException.class);
        }
    }

    @Test
    void equalsComeOutAsTheyWentIn() throws Exception {
        var queue = JoinableQueue.<String>priority(JoinableQueue.UNBOUNDED, Comparator.comparing(String::length));
        for (String word : List.of("bb", "aa", "c", "dd", "a")) {
            queue.put(word);
        }
        assertThat(queue.remove("dd")).isTrue();
        assertThat(queue.remove("zz")).isFalse();
        assertThat(List.of(queue.take(), queue.take(), queue.take(), queue.take())).containsExactly("c", "a", "bb",
                "aa");
    }

    @Test
    void aFullQueueTakesNothingUntilThereIsRoom() throws Exception {
        var queue = queue("fifo", 2);
        queue.put(1);
        assertThat(queue.offer(2)).isTrue();
        assertThat(queue.offer(3)).isFalse();
        assertThat(queue.offer(3, 1, MILLISECONDS)).isFalse();
        assertThat(queue.remainingCapacity()).isZero();
        assertThatThrownBy(() -> queue.add(3)).isInstanceOf(IllegalStateException.class);
        Caller<Integer> putter = parked(() -> {
            queue.put(3);
            return 0;
        });
        assertThat(queue.take()).isEqualTo(1);
        putter.result();
        assertThat(queue).containsExactly(2, 3);
        assertThat(queue("fifo", JoinableQueue.UNBOUNDED).remainingCapacity()).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void anEmptyQueueMakesTakersWait() throws Exception {
        var queue = queue("lifo", 2);
        assertThat(queue.poll(1, MILLISECONDS)).isNull();
        Caller<Integer> taker = parked(queue::take);
        Caller<Integer> poller = parked(() -> queue.poll(BOUND, SECONDS));
        queue.put(5);
        queue.put(6);
        assertThat(Set.of(taker.result(), poller.result())).containsExactlyInAnyOrder(5, 6);
    }

    @Test
    void joinWaitsUntilAllIsDone() throws Exception {
        var queue = queue("fifo", 10);
        queue.join();
        assertThat(queue.join(Duration.ZERO)).isTrue();
        queue.put(1);
        queue.put(2);
        assertThat(queue.join(Duration.ofMillis(1))).isFalse();
        Caller<Integer> joiner = parked(() -> {
            queue.join();
            return 0;
        });
        queue.take();
        queue.taskDone();
        assertThatThrownBy(queue::taskDone)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("taskDone was called more often than elements were taken");
        queue.take();
        assertThat(queue.join(Duration.ZERO)).as("taken, but not done").isFalse();
        queue.taskDone();
        joiner.result();
        assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatIsRemovedOrClearedCountsAsDone() throws Exception {
        var queue = queue("fifo", 10);
        queue.addAll(List.of(1, 2, 3));
        queue.remove(2);
        queue.clear();
        assertThat(queue).isEmpty();
        queue.join();
    }

    @Test
    void whatIsRemovedByAConditionOrAnIteratorCountsAsDone() throws Exception {
        var queue = queue("fifo", 10);
        queue.addAll(List.of(1, 2, 3, 4, 5));
        assertThat(queue.removeIf(element -> element > 4)).isTrue();
        assertThat(queue.removeAll(Set.of(4))).isTrue();
        assertThat(queue.retainAll(Set.of(1, 2))).isTrue();
        var elements = queue.iterator();
        elements.next();
        elements.remove();
        assertThat(queue.join(Duration.ZERO)).isFalse();
        assertThat(queue.remove(2)).isTrue();
        assertThat(queue.join(Duration.ZERO)).isTrue();
        assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aConditionMayUseTheQueueAndWaitForOthersThatDo() throws Exception {
        var queue = queue("fifo", 10);
        queue.addAll(List.of(1, 2, 3));
        queue.removeIf(element -> {
            try {
                return Caller.of(() -> queue.contains(element) && element == 2).result();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        assertThat(queue).containsExactly(1, 3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fifo", "lifo", "priority"})
    void afterShutdownTheRestCanBeTaken(String order) throws Exception {
        var queue = queue(order, 10);
        queue.put(7);
        queue.shutdown();
        queue.shutdown();
        assertThat(queue.isShutdown()).isTrue();
        assertThatThrownBy(() -> queue.put(8)).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(() -> queue.offer(8)).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(() -> queue.offer(8, 1, SECONDS)).isInstanceOf(QueueClosedException.class);
        assertThat(queue.take()).isEqualTo(7);
        assertThatThrownBy(queue::take).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(() -> queue.poll(1, SECONDS)).isInstanceOf(QueueClosedException.class);
        assertThat(queue.poll()).isNull();
        queue.taskDone();
        queue.join();
    }

    @Test
    void shutdownWakesEverybodyWhoWaits() throws Exception {
        var empty = queue("fifo", 1);
        List<Caller<?>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiting.add(parked(empty::take));
            waiting.add(parked(() -> empty.poll(BOUND, SECONDS)));
        }
        empty.shutdown();
        waiting.forEach(JoinableQueueTest::closedFor);

        var full = queue("fifo", 1);
        full.put(1);
        Caller<Integer> putter = parked(() -> {
            full.put(2);
            return 0;
        });
        Caller<Boolean> offerer = parked(() -> full.offer(2, BOUND, SECONDS));
        Caller<Integer> joiner = parked(() -> {
            full.join();
            return 0;
        });
        full.shutdown();
        closedFor(putter);
        closedFor(offerer);
        assertThat(full.take()).isEqualTo(1);
        full.taskDone();
        joiner.result();
    }

    @Test
    void shutdownNowDropsTheRestAndWakesJoinersToo() throws Exception {
        var queue = queue("priority", 10);
        queue.addAll(List.of(3, 1, 2));
        assertThat(queue.take()).isEqualTo(1);
        Caller<Integer> joiner = parked(() -> {
            queue.join();
            return 0;
        });
        Caller<Boolean> limited = parked(() -> queue.join(Duration.ofDays(1)));
        assertThat(queue.shutdownNow()).containsExactly(2, 3);
        closedFor(joiner);
        closedFor(limited);
        assertThatThrownBy(queue::join).hasMessage("queue was shut down with 1 elements unfinished");
        queue.taskDone();
        queue.join();
        assertThat(queue.shutdownNow()).isEmpty();
    }

    @Test
    void anInterruptedWaiterTakesNothing() throws Exception {
        var queue = queue("fifo", 1);
        for (Callable<?> wait : List.<Callable<?>>of(
                queue::take, () -> queue.poll(1, SECONDS), () -> queue.offer(1, 1, SECONDS), () -> {
                    queue.put(1);
                    return 0;
                })) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(wait::call).isInstanceOf(InterruptedException.class);
        }
        assertThat(queue).isEmpty();
        Thread.currentThread().interrupt();
        assertThatThrownBy(queue::join).isInstanceOf(InterruptedException.class);
    }

    @Test
    void badArgumentsAreRefused() {
        var queue = queue("fifo", 1);
        assertThatThrownBy(() -> queue.put(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.offer(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.drainTo(queue)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> JoinableQueue.fifo(0)).hasMessage("capacity must be >= 1, was 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"fifo", "lifo", "priority"})
    void nothingIsLostOrDoubledAmongManyThreads(String order) throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        var queue = queue(order, 3);
        Set<Integer> seen = ConcurrentHashMap.newKeySet();
        List<Caller<Integer>> producers = new ArrayList<>();
        List<Caller<Integer>> consumers = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            int first = t * 10_000;
            producers.add(Caller.of(() -> {
                var random = new Random(seed + first);
                for (int n = first; n < first + 2_000;) {
                    boolean in = switch (random.nextInt(3)) {
                        case 0 -> queue.offer(n);
                        case 1 -> queue.offer(n, random.nextInt(50), java.util.concurrent.TimeUnit.MICROSECONDS);
                        default -> {
                            queue.put(n);
                            yield true;
                        }
                    };
                    n += in ? 1 : 0;
                }
                return 0;
            }));
            consumers.add(Caller.of(() -> {
                var random = new Random(seed - first);
                int count = 0;
                try {
                    while (true) {
                        Integer n = switch (random.nextInt(3)) {
                            case 0 -> queue.poll();
                            case 1 -> queue.poll(random.nextInt(50), java.util.concurrent.TimeUnit.MICROSECONDS);
                            default -> queue.take();
                        };
                        if (n != null) {
                            assertThat(seen.add(n)).as("%s comes once, -Dsennit.seed=%s", n, seed).isTrue();
                            queue.taskDone();
                            count++;
                        }
                    }
                } catch (QueueClosedException e) {
                    return count;
                }
            }));
        }
        for (Caller<Integer> producer : producers) {
            producer.result();
        }
        queue.join();
        queue.shutdown();
        int total = 0;
        for (Caller<Integer> consumer : consumers) {
            total += consumer.result();
        }
        assertThat(total).as("-Dsennit.seed=%s", seed).isEqualTo(6_000);
    }

    // ---- putting back ----

    @Test
    void whatIsPutBackComesOutNext() throws Exception {
        for (JoinableQueue<Integer> queue : List.of(
                JoinableQueue.<Integer>fifo(3), JoinableQueue.<Integer>lifo(3),
                JoinableQueue.priority(3, Comparator.<Integer>naturalOrder()))) {
            queue.addAll(List.of(1, 2, 3));
            int first = queue.take();
            queue.add(3); // full again
            queue.putBack(first);
            assertThat(queue).hasSize(4);
            assertThat(queue.remainingCapacity()).isZero();
            assertThat(queue.offer(5)).isFalse();
            assertThat(queue.take()).isEqualTo(first);
        }
    }

    @Test
    void amongEqualsItComesBeforeTheOthers() throws Exception {
        JoinableQueue<String> queue = JoinableQueue.priority(9, Comparator.comparing(String::length));
        queue.addAll(List.of("aa", "bb", "cc", "d"));
        assertThat(List.of(queue.take(), queue.take(), queue.take())).containsExactly("d", "aa", "bb");
        queue.putBack("bb");
        queue.putBack("aa");
        assertThat(List.of(queue.take(), queue.take(), queue.take())).containsExactly("aa", "bb", "cc");
    }

    @Test
    void whatIsPutBackIsStillToBeDone() throws Exception {
        JoinableQueue<Integer> queue = JoinableQueue.fifo(1);
        queue.put(1);
        queue.putBack(queue.take());
        assertThat(queue.join(Duration.ZERO)).isFalse();
        assertThatThrownBy(() -> queue.putBack(2)).isInstanceOf(IllegalStateException.class);
        queue.shutdown();
        queue.putBack(queue.take());
        assertThat(queue.take()).as("also where nothing new goes in").isEqualTo(1);
        queue.taskDone();
        assertThat(queue.join(Duration.ZERO)).isTrue();
    }

    @Test
    void whatIsPutBackAfterShutdownNowIsDropped() throws Exception {
        JoinableQueue<Integer> queue = JoinableQueue.fifo(1);
        queue.put(1);
        int taken = queue.take();
        queue.shutdownNow();
        queue.putBack(taken);
        assertThat(queue).isEmpty();
        assertThat(queue.join(Duration.ZERO)).isTrue();
    }

    @Test
    void whoWaitsGetsWhatIsPutBack() throws Exception {
        JoinableQueue<Integer> queue = JoinableQueue.fifo(1);
        queue.put(1);
        int taken = queue.take();
        var taker = Caller.of(queue::take);
        taker.awaitWaitingIn("take");
        queue.putBack(taken);
        assertThat(taker.result()).isEqualTo(1);
    }

    // ---- draining ----

    @Test
    void queuesDrainIntoEachOtherBothWays() throws Exception {
        JoinableQueue<Integer> one = JoinableQueue.fifo(9);
        JoinableQueue<Integer> other = JoinableQueue.fifo(9);
        one.put(1);
        other.put(2);
        var bothHaveBegun = new CyclicBarrier(2);
        List<Caller<Integer>> drains = List.of(
                Caller.of(() -> one.drainTo(into(other, bothHaveBegun))),
                Caller.of(() -> other.drainTo(into(one, bothHaveBegun))));
        assertThat(List.of(drains.get(0).result(), drains.get(1).result())).containsExactly(1, 1);
        assertThat(one).containsExactly(2);
        assertThat(other).containsExactly(1);
    }

    private static Collection<Integer> into(JoinableQueue<Integer> target, CyclicBarrier meeting) {
        return new AbstractCollection<>() {
            @Override
            public boolean add(Integer element) {
                try {
                    meeting.await(BOUND, SECONDS);
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
                return target.add(element);
            }

            @Override
            public Iterator<Integer> iterator() {
                return target.iterator();
            }

            @Override
            public int size() {
                return target.size();
            }
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"fifo", "lifo", "priority"})
    void whatATargetRefusesIsPutBackInItsOrder(String order) throws Exception {
        var queue = queue(order, 4);
        queue.addAll(List.of(1, 1, 2, 3));
        List<Integer> before = List.copyOf(queue);
        JoinableQueue<Integer> onlyOne = JoinableQueue.fifo(1);
        assertThatThrownBy(() -> queue.drainTo(onlyOne)).isInstanceOf(IllegalStateException.class);
        assertThat(onlyOne).containsExactly(before.getFirst());
        assertThat(queue).containsExactlyElementsOf(before.subList(1, 4));
        queue.clear();
        assertThat(queue.join(Duration.ZERO)).as("one is to be done").isFalse();
        queue.taskDone();
        assertThat(queue.join(Duration.ZERO)).isTrue();
    }

    /** An element that comes back after shutdown is for those who take until there are no more. */
    @Test
    void whoeverTakesAfterShutdownGetsWhatADrainPutsBack() throws Exception {
        JoinableQueue<Integer> queue = JoinableQueue.fifo(3);
        queue.put(1);
        var takers = new ArrayList<Caller<Integer>>();
        var refusing = new ArrayList<Integer>() {
            @Override
            public boolean add(Integer element) {
                queue.shutdown();
                for (int i = 0; i < 2; i++) {
                    Caller<Integer> taker = Caller.of(queue::take);
                    takers.add(taker);
                    awaitWaiting(taker);
                }
                throw new IllegalStateException("full");
            }
        };
        assertThatThrownBy(() -> queue.drainTo(refusing)).hasMessage("full");
        var results = new ArrayList<Integer>();
        int refused = 0;
        for (Caller<Integer> taker : takers) {
            try {
                results.add(taker.result());
            } catch (ExecutionException e) {
                assertThat(e).hasCauseInstanceOf(QueueClosedException.class);
                refused++;
            }
        }
        assertThat(results).containsExactly(1);
        assertThat(refused).isEqualTo(1);
    }

    private static void awaitWaiting(Caller<?> taker) {
        try {
            taker.awaitWaitingIn("take");
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aComparatorThatThrowsLosesNothingThatJoinWaitsFor() throws Exception {
        var throwsNow = new AtomicBoolean();
        JoinableQueue<Integer> queue = JoinableQueue.priority(JoinableQueue.UNBOUNDED, (a, b) -> {
            if (throwsNow.get()) {
                throw new IllegalStateException("no order");
            }
            return a.compareTo(b);
        });
        queue.addAll(List.of(1, 2, 3, 4));
        throwsNow.set(true);
        var target = new ArrayList<Integer>();
        assertThatThrownBy(() -> queue.drainTo(target)).hasMessage("no order");
        throwsNow.set(false);
        queue.clear();
        for (int i = target.size(); i > 0; i--) {
            queue.taskDone();
        }
        assertThat(queue).isEmpty();
    }

    @Test
    void whatATargetRefusesAfterShutdownNowIsDropped() throws Exception {
        JoinableQueue<Integer> queue = JoinableQueue.fifo(3);
        queue.addAll(List.of(1, 2));
        var closing = new ArrayList<Integer>() {
            @Override
            public boolean add(Integer element) {
                queue.shutdownNow();
                throw new IllegalStateException("full");
            }
        };
        assertThatThrownBy(() -> queue.drainTo(closing)).hasMessage("full");
        assertThat(queue).isEmpty();
        assertThat(queue.join(Duration.ZERO)).isTrue();
    }
}
