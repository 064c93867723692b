package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.observe.TaskEvent.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class EventRingTest {
    private static final Kind[] KINDS = Kind.values();
    private static final String[] TEXTS = {"a", "b", "c", "d", "e"};

    /** What a reader has got: the numbers of the tasks. Each event is checked as a whole. */
    private static final class Seen implements EventRing.Reader {
        private final List<Long> tasks = new ArrayList<>();

        @Override
        public void event(Kind kind, long task, long time, long first, long second, String pool,
                @Nullable Object named, @Nullable String detail) {
            int text = (int) (task % TEXTS.length);
            assertThat(kind == KINDS[(int) (task % KINDS.length)] && time == task * 31 && first == ~task
                    && second == task * 17 && pool.equals(TEXTS[text]) && TEXTS[(text + 1) % TEXTS.length].equals(named)
                    && TEXTS[(text + 2) % TEXTS.length].equals(detail)).as("event %s is whole", task).isTrue();
            tasks.add(task);
        }
    }

    private static void write(EventRing ring, long task) {
        int text = (int) (task % TEXTS.length);
        ring.write(KINDS[(int) (task % KINDS.length)], task, task * 31, ~task, task * 17, TEXTS[text],
                TEXTS[(text + 1) % TEXTS.length], TEXTS[(text + 2) % TEXTS.length]);
    }

    private static void write(EventRing ring, long first, long end) {
        LongStream.range(first, end).forEach(task -> write(ring, task));
    }

    @Test
    void eachReaderGetsWhatIsWrittenAfterItCame() {
        var ring = new EventRing(8);
        write(ring, 0, 3);
        EventRing.Cursor first = ring.new Cursor();
        write(ring, 3, 6);
        EventRing.Cursor second = ring.new Cursor();
        write(ring, 6, 7);
        var ofFirst = new Seen();
        assertThat(first.read(ofFirst, 0, 2)).isEqualTo(2);
        assertThat(first.read(ofFirst, 0, 100)).isEqualTo(2);
        assertThat(first.read(ofFirst, 0, 100)).isZero();
        assertThat(ofFirst.tasks).containsExactly(3L, 4L, 5L, 6L);
        var ofSecond = new Seen();
        second.read(ofSecond, 0, 100);
        assertThat(ofSecond.tasks).containsExactly(6L);
        assertThat(first.missed() + second.missed()).isZero();
    }

    @Test
    void aSlowReaderMissesTheOldestAndKnowsHowMany() {
        var ring = new EventRing(8);
        EventRing.Cursor cursor = ring.new Cursor();
        write(ring, 0, 20);
        var seen = new Seen();
        cursor.read(seen, 0, 3);
        assertThat(cursor.missed()).isEqualTo(12);
        write(ring, 20, 24);
        cursor.read(seen, 0, 100);
        assertThat(seen.tasks).containsExactly(12L, 13L, 14L, 16L, 17L, 18L, 19L, 20L, 21L, 22L, 23L);
        assertThat(cursor.missed()).isEqualTo(13);
    }

    /** A thread that claimed a place, and stands still before it writes. */
    @Test
    void aReaderWaitsForAnEventThatIsBeingWrittenButNotForEver() {
        var ring = new EventRing(8);
        EventRing.Cursor cursor = ring.new Cursor();
        write(ring, 0);
        ring.claim();
        write(ring, 1);
        var seen = new Seen();
        long now = Long.MAX_VALUE - 7; // nanoTime may overflow
        assertThat(cursor.read(seen, now, 100)).isEqualTo(1);
        assertThat(cursor.read(seen, now + EventRing.PATIENCE_NANOS - 1, 100)).isZero();
        assertThat(cursor.missed()).isZero();
        assertThat(cursor.read(seen, now + EventRing.PATIENCE_NANOS, 100)).isEqualTo(1);
        assertThat(cursor.missed()).isEqualTo(1);
        assertThat(seen.tasks).containsExactly(0L, 1L);
    }

    @Test
    void writersAndAReaderTearNothing() throws Exception {
        long each = 300_000;
        int writers = 4;
        var ring = new EventRing(64); // so small that all come round all the time
        EventRing.Cursor cursor = ring.new Cursor();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < writers; i++) {
            long first = i * each;
            threads.add(Thread.ofPlatform().start(() -> write(ring, first, first + each)));
        }
        var seen = new Seen();
        long now = 0;
        while (threads.stream().anyMatch(Thread::isAlive)) {
            cursor.read(seen, now, 100);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        while (seen.tasks.size() + cursor.missed() < writers * each) { // a dropped event is waited for
            now += EventRing.PATIENCE_NANOS;
            cursor.read(seen, now, 100);
        }
        assertThat(seen.tasks.size() + cursor.missed()).isEqualTo(writers * each);
        assertThat(seen.tasks).doesNotHaveDuplicates().hasSizeGreaterThan(10);
        long[] last = {-1, -1, -1, -1};
        for (long task : seen.tasks) {
            int writer = (int) (task / each);
            assertThat(task).as("in the order of its writer").isGreaterThan(last[writer]);
            last[writer] = task;
        }
    }

    @Test
    void aCapacityIsAPowerOfTwo() {
        assertThatThrownBy(() -> new EventRing(12)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("capacity must be a power of two, was 12");
    }
}
