package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Seeded;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.Test;

class ReadyQueueTest {
    private record Numbered(int number) implements Runnable {
        @Override
        public void run() {}
    }

    @Test
    void keepsTheOrderAndKnowsWhatWasTakenLast() {
        Seeded.repeat(50, seeded -> {
            var queue = new ReadyQueue();
            Deque<Runnable> expected = new ArrayDeque<>();
            Runnable taken = null;
            for (int i = 0; i < 5000; i++) {
                var one = new Numbered(i);
                switch (seeded.generator().nextInt(i % 1000 < 600 ? 8 : 20)) {
                    case 0 -> {
                        queue.addFirst(one);
                        expected.addFirst(one);
                        taken = null; // it is in its place
                    }
                    case 1, 2, 3, 4 -> {
                        queue.add(one);
                        expected.addLast(one);
                    }
                    default -> {
                        taken = expected.pollFirst();
                        assertThat(queue.poll()).isSameAs(taken);
                    }
                }
                assertThat(queue.size()).isEqualTo(expected.size());
                assertThat(queue.taken()).isSameAs(taken);
            }
        });
    }
}
