package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class QueueSweeperTest {
    private final FakePool pool = new FakePool(1);
    private final QueueSweeper sweeper = new QueueSweeper();
    private final Queue<Submission<?>> queue = new ArrayDeque<>();

    private List<Submission<?>> fill(int count) {
        for (int i = 0; i < count; i++) {
            queue.add(pool.taken(() -> 1));
        }
        return new ArrayList<>(queue);
    }

    private void drop(Submission<?> submission) {
        submission.settle(null, new java.util.concurrent.CancellationException(), true);
        sweeper.dropped(queue);
    }

    @Test
    void aFewDeadOnesAreLeftToTheWorkers() {
        fill(20).forEach(this::drop);

        assertThat(queue).hasSize(20);
    }

    @Test
    void deadOnesGoWhenTheyAreHalfOfWhatWasLeftTheLastTime() {
        List<Submission<?>> all = fill(200);
        all.subList(0, 63).forEach(this::drop);
        assertThat(queue).hasSize(200);
        drop(all.get(63));
        assertThat(queue).hasSize(136).allMatch(Submission::isQueued);

        all.subList(64, 64 + 67).forEach(this::drop);
        assertThat(queue).hasSize(136);
        drop(all.get(199));
        assertThat(queue).hasSize(68).allMatch(Submission::isQueued);
    }

    @Test
    void theQueueStaysShortHoweverManyAreDropped() {
        for (int i = 0; i < 10_000; i++) {
            Submission<?> next = pool.taken(() -> 1);
            queue.add(next);
            drop(next);
            assertThat(queue).hasSizeLessThanOrEqualTo(64);
        }
    }

    @Test
    void livingOnesKeepTheirOrder() {
        List<Submission<?>> all = fill(300);
        List<Submission<?>> living = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            if (i % 3 == 0) {
                living.add(all.get(i));
            } else {
                drop(all.get(i));
            }
        }

        assertThat(queue.stream().filter(Submission::isQueued)).containsExactlyElementsOf(living);
    }
}
