package dev.sennit;

import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.testing.QueueTestSuiteBuilder;
import com.google.common.collect.testing.TestStringQueueGenerator;
import com.google.common.collect.testing.features.CollectionFeature;
import com.google.common.collect.testing.features.CollectionSize;
import com.google.common.collect.testing.features.Feature;
import dev.sennit.conformance.internal.Caller;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.Set;
import java.util.Spliterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * The contract of every queue of Sennit: Guava's tests of queues and collections, and the further requirements of
 * {@link BlockingQueue}.
 */
@Timeout(120)
public abstract class BlockingQueueContract {
    protected BlockingQueueContract() {}

    /** Returns an empty queue. */
    protected abstract BlockingQueue<String> queue(int capacity);

    /** Returns the order in which the queue returns these elements, if they are put in in the given order. */
    protected List<String> order(List<String> in) {
        return in;
    }

    /** Returns the features of the queue, for Guava's tests. */
    protected Feature<?>[] features() {
        return new Feature<?>[] {CollectionFeature.GENERAL_PURPOSE, CollectionFeature.KNOWN_ORDER, CollectionSize.ANY};
    }

    /** Waits until a caller waits in a method. */
    protected void awaitWait(Caller<?> caller, String method) {
        caller.awaitWaitingIn(method);
    }

    /** Returns the tests of Guava that this queue need not pass. */
    protected Method[] suppressed() {
        return new Method[0];
    }

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private BlockingQueue<String> of(int capacity, String... elements) {
        BlockingQueue<String> queue = queue(capacity);
        queue.addAll(List.of(elements));
        return queue;
    }

    @TestFactory
    DynamicNode isAQueue() {
        return GuavaTests.node(QueueTestSuiteBuilder.using(new TestStringQueueGenerator() {
            @Override
            public Queue<String> create(String[] elements) {
                return of(100, elements);
            }

            @Override
            public List<String> order(List<String> insertionOrder) {
                return BlockingQueueContract.this.order(insertionOrder);
            }
        })
                .named(getClass().getSimpleName())
                .withFeatures(features())
                .suppressing(suppressed())
                .createTestSuite());
    }

    // ---- arguments ----

    @Test
    void nullsAreRefused() {
        BlockingQueue<String> queue = of(1, "a");
        assertThatNullPointerException().isThrownBy(() -> queue.put(null));
        assertThatNullPointerException().isThrownBy(() -> queue.add(null));
        assertThatNullPointerException().isThrownBy(() -> queue.offer(null));
        assertThatNullPointerException().isThrownBy(() -> queue.offer(null, 1, DAYS));
        assertThatNullPointerException().isThrownBy(() -> queue.offer("b", 1, null));
        assertThatNullPointerException().isThrownBy(() -> queue.poll(1, null));
        assertThatNullPointerException().isThrownBy(() -> queue.addAll(null));
        assertThatNullPointerException().isThrownBy(() -> queue.containsAll(null));
        assertThatNullPointerException().isThrownBy(() -> queue.forEach(null));
        assertThatNullPointerException().isThrownBy(() -> queue.toArray((Object[]) null));
        assertThat(queue.remove(null)).isFalse();
        assertThat(queue.contains(null)).isFalse();
        assertThat(queue).containsExactly("a");
    }

    @Test
    void nullsAreRefusedByAnEmptyQueueToo() {
        BlockingQueue<String> queue = queue(1);
        assertThatNullPointerException().isThrownBy(() -> queue.drainTo(null));
        assertThatNullPointerException().isThrownBy(() -> queue.drainTo(null, 1));
        assertThatNullPointerException().isThrownBy(() -> queue.drainTo(null, 0));
        assertThatNullPointerException().isThrownBy(() -> queue.removeIf(null));
        assertThatNullPointerException().isThrownBy(() -> queue.removeAll(null));
        assertThatNullPointerException().isThrownBy(() -> queue.retainAll(null));
    }

    @Test
    void aQueueIsNotDrainedIntoItself() {
        BlockingQueue<String> queue = of(3, "a");
        assertThatThrownBy(() -> queue.drainTo(queue)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.drainTo(queue, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.addAll(queue)).isInstanceOf(IllegalArgumentException.class);
        assertThat(queue).containsExactly("a");
    }

    @Test
    void asManyAreDrainedAsAreWanted() {
        BlockingQueue<String> queue = of(3, "a", "b", "c");
        List<String> drained = new ArrayList<>();
        assertThat(queue.drainTo(drained, Integer.MIN_VALUE)).isZero();
        assertThat(queue.drainTo(drained, 0)).isZero();
        assertThat(queue.drainTo(drained, 2)).isEqualTo(2);
        assertThat(queue.drainTo(drained)).isEqualTo(1);
        assertThat(queue.drainTo(drained)).isZero();
        assertThat(drained).containsExactlyElementsOf(order(List.of("a", "b", "c")));
    }

    @Test
    void whatCannotBeInIsNotIn() {
        BlockingQueue<String> queue = of(3, "a", "b");
        Object neither = new Object();
        assertThat(queue.remove(neither)).isFalse();
        assertThat(queue.contains(neither)).isFalse();
        assertThat(queue.containsAll(List.of(neither))).isFalse();
        assertThat(queue.removeAll(List.of(neither))).isFalse();
        assertThat(queue.retainAll(List.of("a", neither))).isTrue();
        assertThat(queue).containsExactly("a");
    }

    // ---- bounds ----

    @Test
    void aFullQueueSaysSo() {
        BlockingQueue<String> queue = queue(2);
        assertThat(queue.remainingCapacity()).isEqualTo(2);
        queue.add("a");
        assertThat(queue.remainingCapacity()).isEqualTo(1);
        queue.add("b");
        assertThat(queue.remainingCapacity()).isZero();
        assertThat(queue.offer("c")).isFalse();
        assertThatThrownBy(() -> queue.add("c")).isInstanceOf(IllegalStateException.class);
        assertThat(queue.removeIf(element -> true)).isTrue();
        assertThat(queue.remainingCapacity()).isEqualTo(2);
        assertThat(queue.poll()).isNull();
        assertThat(queue.peek()).isNull();
        assertThatThrownBy(queue::remove).isInstanceOf(NoSuchElementException.class);
        assertThatThrownBy(queue::element).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void roomThatRemovingMakesIsForWhoeverWaits() throws Exception {
        List<Callable<Boolean>> removals = new ArrayList<>();
        BlockingQueue<String> queue = queue(1);
        removals.add(() -> queue.remove("x"));
        removals.add(() -> queue.removeAll(Set.of("x")));
        removals.add(() -> queue.retainAll(Set.of()));
        removals.add(() -> queue.removeIf("x"::equals));
        removals.add(() -> {
            Iterator<String> elements = queue.iterator();
            elements.next();
            elements.remove();
            return true;
        });
        for (Callable<Boolean> removal : removals) {
            queue.put("x");
            var putter = Caller.of(() -> {
                queue.put("y");
                return "in";
            });
            awaitWait(putter, "put");
            assertThat(removal.call()).isTrue();
            assertThat(putter.result()).isEqualTo("in");
            assertThat(queue.take()).isEqualTo("y");
        }
    }

    // ---- time ----

    @Test
    void timesThatAreOverAreNotWaitedFor() throws Exception {
        BlockingQueue<String> empty = queue(1);
        BlockingQueue<String> full = of(1, "a");
        for (long time : new long[] {0, -1, Long.MIN_VALUE}) {
            for (TimeUnit unit : TimeUnit.values()) {
                assertThat(empty.poll(time, unit)).isNull();
                assertThat(full.offer("b", time, unit)).isFalse();
            }
        }
        assertThat(empty.offer("c", Long.MIN_VALUE, NANOSECONDS)).as("there is room").isTrue();
        assertThat(full.poll(Long.MIN_VALUE, NANOSECONDS)).as("there is one").isEqualTo("a");
    }

    @Test
    void theLongestTimesAreWaitedFor() throws Exception {
        BlockingQueue<String> queue = queue(1);
        for (TimeUnit unit : TimeUnit.values()) {
            var taker = Caller.of(() -> queue.poll(Long.MAX_VALUE, unit));
            awaitWait(taker, "poll");
            queue.put("a");
            assertThat(taker.result()).isEqualTo("a");
            queue.put("b");
            var putter = Caller.of(() -> queue.offer("c", Long.MAX_VALUE, unit));
            awaitWait(putter, "offer");
            assertThat(queue.take()).isEqualTo("b");
            assertThat(putter.result()).isTrue();
            assertThat(queue.take()).isEqualTo("c");
        }
    }

    // ---- interrupts ----

    @Test
    void anInterruptThatHasComeEndsAWaitBeforeItHasTakenOrPut() {
        BlockingQueue<String> queue = of(2, "a");
        for (Callable<?> wait : List.<Callable<?>>of(
                queue::take,
                () -> queue.poll(1, DAYS),
                () -> queue.poll(0, DAYS),
                () -> queue.offer("b", 1, DAYS),
                () -> queue.offer("b", -1, DAYS),
                () -> {
                    queue.put("b");
                    return "in";
                })) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(wait::call).isInstanceOf(InterruptedException.class);
            assertThat(Thread.interrupted()).isFalse();
        }
        assertThat(queue).containsExactly("a");
    }

    @Test
    void whatDoesNotWaitMindsNoInterrupt() {
        BlockingQueue<String> queue = queue(1);
        Thread.currentThread().interrupt();
        assertThat(queue.offer("a")).isTrue();
        assertThat(queue.peek()).isEqualTo("a");
        assertThat(queue.size()).isEqualTo(1);
        assertThat(queue.poll()).isEqualTo("a");
        assertThat(queue.poll()).isNull();
        assertThat(Thread.interrupted()).isTrue();
    }

    // ---- views of a changing queue ----

    @Test
    void aSpliteratorPromisesNoSize() {
        BlockingQueue<String> queue = of(9, "a", "b", "c");
        Spliterator<String> elements = queue.spliterator();
        assertThat(elements.hasCharacteristics(Spliterator.SIZED)).isFalse();
        assertThat(elements.hasCharacteristics(Spliterator.ORDERED | Spliterator.NONNULL)).isTrue();
        assertThat(elements.getExactSizeIfKnown()).isEqualTo(-1);
        assertThat(queue.stream().toList()).containsExactlyElementsOf(order(List.of("a", "b", "c")));
        assertThat(queue.parallelStream().toList()).containsExactlyElementsOf(order(List.of("a", "b", "c")));
    }

    /** Other threads may change the queue between the two reads of a stream of a known size. */
    @Test
    void aStreamIsOfWhatIsInWhenItBegins() {
        BlockingQueue<String> queue = of(9, "a", "b", "c");
        List<String> seen = queue.stream().peek(element -> queue.clear()).toList();
        assertThat(seen).containsExactlyElementsOf(order(List.of("a", "b", "c")));
        assertThat(queue).isEmpty();
    }

    @Test
    void streamsOfAQueueInUseEnd() throws Exception {
        BlockingQueue<String> queue = queue(20);
        var over = new AtomicBoolean();
        var begun = new CountDownLatch(1);
        var changer = Caller.of(() -> {
            int changes = 0;
            for (; !over.get(); changes++) {
                if (changes % 40 < 20) {
                    queue.offer("e" + changes);
                } else {
                    queue.poll();
                }
                begun.countDown();
            }
            return changes;
        });
        begun.await();
        try {
            for (int round = 0; round < 500; round++) {
                assertThat(new HashSet<>(queue.stream().toList())).doesNotContainNull();
                queue.toArray(new String[3]);
                assertThat(queue.remainingCapacity()).isBetween(0, 20);
            }
        } finally {
            over.set(true);
        }
        assertThat(changer.result()).isPositive();
    }

    @Test
    void anIteratorRemovesTheOneThatItMeans() {
        BlockingQueue<String> queue = queue(9);
        String twice = new String("x"); // one and the same, in two places
        queue.addAll(Arrays.asList("a", twice, "b", twice));
        List<String> out = new ArrayList<>(queue);
        Iterator<String> elements = queue.iterator();
        assertThatThrownBy(elements::remove).isInstanceOf(IllegalStateException.class);
        int last = out.lastIndexOf("x");
        for (int i = 0; i <= last; i++) {
            elements.next();
        }
        elements.remove();
        assertThatThrownBy(elements::remove).isInstanceOf(IllegalStateException.class);
        out.remove(last);
        assertThat(queue).containsExactlyElementsOf(out);
    }

    @Test
    void anIteratorDoesNotRemoveWhatIsOutAlready() {
        BlockingQueue<String> queue = of(9, "a", "b");
        Iterator<String> elements = queue.iterator();
        String first = elements.next();
        assertThat(queue.poll()).isEqualTo(first);
        queue.add(first);
        elements.remove();
        assertThat(queue).containsExactlyInAnyOrder("a", "b");
        assertThat(elements.next()).isNotEqualTo(first);
        assertThat(elements.hasNext()).isFalse();
        assertThatThrownBy(elements::next).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void arraysAreAsCollectionSays() {
        BlockingQueue<String> queue = of(9, "a", "b");
        String[] longer = {"1", "2", "3", "4"};
        assertThat(queue.toArray(longer)).isSameAs(longer);
        assertThat(longer[2]).as("says where it ends").isNull();
        assertThat(longer[3]).isEqualTo("4");
        assertThat(queue.toArray(new String[0])).containsExactlyElementsOf(order(List.of("a", "b")));
        assertThat(queue.toArray(String[]::new)).hasSize(2);
        assertThatThrownBy(() -> queue.toArray(new Integer[2])).isInstanceOf(ArrayStoreException.class);
    }
}
