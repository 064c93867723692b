package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Seeded;
import java.util.ArrayDeque;
import org.junit.jupiter.api.Test;

class ReadyQueueTest {
    @Test
    void isADequeThatGrows() {
        Seeded.repeat(200, random -> {
            var queue = new ReadyQueue();
            var model = new ArrayDeque<Runnable>();
            int leaning = random.generator().nextInt(2, 5);
            for (int i = 0; i < 3_000; i++) {
                Runnable one = new Runnable() {
                    @Override
                    public void run() {}
                };
                switch (random.generator().nextInt(leaning)) {
                    case 0 -> assertThat(queue.poll()).isSameAs(model.poll());
                    case 1 -> {
                        queue.addFirst(one);
                        model.addFirst(one);
                    }
                    default -> {
                        queue.add(one);
                        model.add(one);
                    }
                }
                assertThat(queue.size()).isEqualTo(model.size());
            }
            while (!model.isEmpty()) {
                assertThat(queue.poll()).isSameAs(model.poll());
            }
            assertThat(queue.poll()).isNull();
        });
    }
}
