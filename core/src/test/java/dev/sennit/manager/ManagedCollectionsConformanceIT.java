package dev.sennit.manager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.testing.ConcurrentMapTestSuiteBuilder;
import com.google.common.collect.testing.ListTestSuiteBuilder;
import com.google.common.collect.testing.SetTestSuiteBuilder;
import com.google.common.collect.testing.TestStringListGenerator;
import com.google.common.collect.testing.TestStringMapGenerator;
import com.google.common.collect.testing.TestStringSetGenerator;
import com.google.common.collect.testing.features.CollectionFeature;
import com.google.common.collect.testing.features.CollectionSize;
import com.google.common.collect.testing.features.ListFeature;
import com.google.common.collect.testing.features.MapFeature;
import dev.sennit.GuavaTests;
import dev.sennit.conformance.internal.Caller;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.ListIterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.Set;
import java.util.Spliterator;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * What Guava's tests ask of lists, sets and maps, of those in a manager; and of their views, while others change them.
 */
@Timeout(120)
class ManagedCollectionsConformanceIT {
    private static ManagerServer server;

    @BeforeAll
    static void open() {
        server = ManagerServer.local();
    }

    @AfterAll
    static void close() {
        server.close();
    }

    // ---- Guava's ----

    @TestFactory
    DynamicNode aList() {
        return GuavaTests.node(ListTestSuiteBuilder.using(new TestStringListGenerator() {
            @Override
            protected List<String> create(String[] elements) {
                List<String> list = server.client().newList();
                list.addAll(Arrays.asList(elements));
                return list;
            }
        })
                .named("list")
                .withFeatures(
                        ListFeature.GENERAL_PURPOSE,
                        CollectionFeature.ALLOWS_NULL_VALUES,
                        CollectionFeature.SUPPORTS_ITERATOR_REMOVE,
                        CollectionSize.ANY)
                .createTestSuite());
    }

    @TestFactory
    DynamicNode aSet() {
        return GuavaTests.node(SetTestSuiteBuilder.using(new TestStringSetGenerator() {
            @Override
            protected Set<String> create(String[] elements) {
                Set<String> set = server.client().newSet();
                Collections.addAll(set, elements);
                return set;
            }
        })
                .named("set")
                .withFeatures(
                        CollectionFeature.GENERAL_PURPOSE, CollectionFeature.SUPPORTS_ITERATOR_REMOVE,
                        CollectionSize.ANY)
                .createTestSuite());
    }

    @TestFactory
    DynamicNode aMap() {
        return GuavaTests.node(ConcurrentMapTestSuiteBuilder.using(new TestStringMapGenerator() {
            @Override
            protected ConcurrentMap<String, String> create(Map.Entry<String, String>[] entries) {
                ConcurrentMap<String, String> map = server.client().newMap();
                for (Map.Entry<String, String> entry : entries) {
                    map.put(entry.getKey(), entry.getValue());
                }
                return map;
            }
        })
                .named("map")
                .withFeatures(
                        MapFeature.GENERAL_PURPOSE, CollectionFeature.SUPPORTS_ITERATOR_REMOVE, CollectionSize.ANY)
                .createTestSuite());
    }

    // ---- while others change them ----

    private record View(String name, Collection<?> view, Runnable add, Runnable remove) {}

    private static List<View> views() {
        List<Integer> list = server.client().newList();
        list.addAll(IntStream.range(0, 20).boxed().toList());
        Set<Integer> set = server.client().newSet();
        set.addAll(list);
        ConcurrentMap<Integer, Integer> map = server.client().newMap();
        list.forEach(i -> map.put(i, i));
        var random = new Random(1);
        Runnable more = () -> list.add(random.nextInt(list.size() + 1), 1);
        Runnable less = () -> {
            if (list.size() > 5) {
                list.remove(random.nextInt(5));
            }
        };
        Runnable put = () -> map.put(random.nextInt(40), 1);
        Runnable cut = () -> map.remove(random.nextInt(40));
        return List.of(
                new View("list", list, more, less),
                new View("sublist", list.subList(2, 18), more, less),
                new View("sublist of a sublist", list.subList(2, 18).subList(3, 10), more, less),
                new View("reversed", list.reversed(), more, less),
                new View("reversed sublist", list.subList(2, 18).reversed(), more, less),
                new View("set", set, () -> set.add(random.nextInt(40)), () -> set.remove(random.nextInt(40))),
                new View("entries", map.entrySet(), put, cut),
                new View("keys", map.keySet(), put, cut),
                new View("values", map.values(), put, cut));
    }

    @Test
    void nothingThatOthersChangePromisesASize() {
        for (View view : views()) {
            Spliterator<?> elements = view.view.spliterator();
            assertThat(elements.hasCharacteristics(Spliterator.SIZED)).as(view.name).isFalse();
            assertThat(elements.getExactSizeIfKnown()).as(view.name).isEqualTo(-1);
            assertThat(view.view.stream().toArray()).as(view.name).containsExactlyInAnyOrder(view.view.toArray());
        }
    }

    @Test
    void streamsIteratorsAndArraysOfWhatIsInUseEnd() throws Exception {
        for (View view : views()) {
            var over = new AtomicBoolean();
            var begun = new CountDownLatch(1);
            var changer = Caller.of(() -> {
                int changes = 0;
                for (; !over.get(); changes++) {
                    (changes % 20 < 10 ? view.add : view.remove).run();
                    begun.countDown();
                }
                return changes;
            });
            begun.await();
            try {
                for (int round = 0; round < 30; round++) {
                    assertThat(view.view.stream().toList()).as(view.name).doesNotContainNull();
                    assertThat(new ArrayList<Object>(view.view)).as(view.name).doesNotContainNull();
                    for (Object element : view.view) {
                        assertThat(element).as(view.name).isNotNull();
                    }
                    assertThat(view.view.toString()).as(view.name).doesNotContain("null");
                }
            } finally {
                over.set(true);
            }
            assertThat(changer.result()).as(view.name).isPositive();
        }
    }

    // ---- lists ----

    private static List<Integer> listOf(Integer... elements) {
        List<Integer> list = server.client().newList();
        list.addAll(List.of(elements));
        return list;
    }

    @Test
    void anIteratorDoesNotChangeWhatItDoesNotKnow() {
        List<Integer> list = listOf(1, 2, 3);
        ListIterator<Integer> elements = list.listIterator();
        elements.next();
        list.addFirst(0);
        assertThat(elements.next()).as("it goes over a snapshot").isEqualTo(2);
        assertThatThrownBy(elements::remove)
                .isInstanceOf(ConcurrentModificationException.class)
                .hasMessageContaining("use removeIf");
        assertThatThrownBy(() -> elements.set(7)).isInstanceOf(ConcurrentModificationException.class);
        assertThatThrownBy(() -> elements.add(7)).isInstanceOf(ConcurrentModificationException.class);
        assertThat(list).containsExactly(0, 1, 2, 3);
    }

    @Test
    void theLastElementGoesToOneOfThoseThatWantIt() throws Exception {
        List<Integer> list = listOf(IntStream.range(0, 600).boxed().toArray(Integer[]::new));
        Supplier<Caller<List<Integer>>> popping = () -> Caller.of(() -> {
            List<Integer> popped = new ArrayList<>();
            try {
                while (true) {
                    popped.add(popped.size() % 2 == 0 ? list.removeLast() : list.removeFirst());
                }
            } catch (NoSuchElementException e) {
                return popped;
            }
        });
        var one = popping.get();
        var other = popping.get();
        List<Integer> all = new ArrayList<>(one.result());
        all.addAll(other.result());
        assertThat(all).hasSize(600).doesNotHaveDuplicates();
        assertThatThrownBy(list::getLast).isInstanceOf(NoSuchElementException.class);
        assertThatThrownBy(list::getFirst).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void aSublistIsARangeOfPositions() {
        List<Integer> list = listOf(0, 1, 2, 3, 4, 5);
        List<Integer> range = list.subList(2, 5);
        list.addFirst(-1);
        assertThat(range).containsExactly(1, 2, 3);
        range.removeIf(element -> element == 2);
        assertThat(list).containsExactly(-1, 0, 1, 3, 4, 5);
        assertThat(range).containsExactly(1, 3);
        range.add(9);
        assertThat(list).containsExactly(-1, 0, 1, 3, 9, 4, 5);
        list.subList(3, 7).clear();
        assertThat(range).as("as much of it as there is").containsExactly(1).hasSize(1);
        assertThat(range.toArray()).containsExactly(1);
        list.clear();
        assertThat(range).isEmpty();
        assertThat(range.stream().toList()).isEmpty();
    }

    @Test
    void shufflingAndReversingWorkAsOnAnyList() {
        List<Integer> list = listOf(IntStream.range(0, 50).boxed().toArray(Integer[]::new));
        Collections.shuffle(list, new Random(7));
        Collections.sort(list);
        Collections.reverse(list);
        assertThat(list).isEqualTo(IntStream.range(0, 50).boxed().toList().reversed());
        assertThat(list.reversed()).isEqualTo(IntStream.range(0, 50).boxed().toList());
        list.reversed().subList(0, 48).clear();
        list.reversed().addFirst(5);
        assertThat(list).containsExactly(49, 48, 5);
    }

    // ---- maps ----

    @Test
    void aKeyThatCannotTravelIsNoneOfTheMaps() {
        ConcurrentMap<Object, Object> map = server.client().newMap();
        map.put("a", 1);
        Object stranger = new Object();
        assertThat(map.get(stranger)).isNull();
        assertThat(map.remove(stranger)).isNull();
        assertThat(map.containsKey(stranger)).isFalse();
        assertThat(map.containsValue(stranger)).isFalse();
        assertThat(map.remove("a", stranger)).isFalse();
        assertThat(map.keySet().remove(stranger)).isFalse();
        assertThat(map.entrySet().contains(Map.entry(stranger, 1))).isFalse();
        assertThatThrownBy(() -> map.put(stranger, 1)).isInstanceOf(dev.sennit.TaskSerializationException.class);
        assertThat(map).isEqualTo(Map.of("a", 1));
    }
}
