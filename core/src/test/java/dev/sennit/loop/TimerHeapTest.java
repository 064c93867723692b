package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Seeded;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimerHeapTest {
    private record Entry(long due, int number, TimerHeap.Timer timer) {}

    @Test
    void givesWhatIsDueInOrderAndNothingThatWasCalledOff() {
        Seeded.repeat(300, random -> {
            long start = random.generator().nextBoolean() ? Long.MAX_VALUE - 50 : random.generator().nextLong();
            var heap = new TimerHeap();
            List<Entry> model = new ArrayList<>();
            List<Integer> ran = new ArrayList<>();
            List<Integer> expected = new ArrayList<>();
            long now = start;
            for (int i = 0; i < 500; i++) {
                switch (random.generator().nextInt(4)) {
                    case 0, 1 -> {
                        int number = i;
                        long due = now + random.generator().nextInt(100);
                        var timer = new TimerHeap.Timer(due, () -> ran.add(number));
                        heap.add(timer);
                        model.add(new Entry(due, number, timer));
                    }
                    case 2 -> {
                        if (!model.isEmpty()) {
                            Entry off = model.remove(random.generator().nextInt(model.size()));
                            assertThat(off.timer().cancel(false)).isTrue();
                            assertThat(off.timer().cancel(false)).isFalse();
                        }
                    }
                    default -> {
                        now += random.generator().nextInt(30);
                        long then = now;
                        model.sort(
                                Comparator.comparingLong((Entry e) -> e.due() - start).thenComparingInt(Entry::number));
                        long next = model.isEmpty() ? Long.MAX_VALUE : model.get(0).due() - then;
                        assertThat(heap.nanosUntilNext(then)).isEqualTo(next);
                        model.removeIf(e -> e.due() - then <= 0 && expected.add(e.number()));
                        for (TimerHeap.Timer due = heap.pollDue(then); due != null; due = heap.pollDue(then)) {
                            due.run();
                        }
                        assertThat(ran).isEqualTo(expected);
                    }
                }
            }
        });
    }

    @Test
    void thoseCalledOffDoNotPileUp() {
        var heap = new TimerHeap();
        for (int i = 0; i < 1_000_000; i++) {
            var timer = new TimerHeap.Timer(i, () -> {});
            heap.add(timer);
            timer.cancel(false);
        }
        assertThat(heap.size()).isLessThan(1_000);
    }
}
