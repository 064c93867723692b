package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.observe.PoolsMXBean.ProgressNow;
import dev.sennit.observe.TaskEvent.Kind;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class LatestProgressTest {
    private static final long SECOND = 1_000_000_000;

    private final LatestProgress progress = new LatestProgress();
    private final EventOf photo = new EventOf(7, "photos", "resize");
    private final EventOf whole = new EventOf(8, "net", "whole");

    @Test
    void theLastReportOfEachTaskIsKeptUntilItsEnd() {
        progress.event(photo.submitted(0), 0);
        progress.event(photo.progress(0, 0, OptionalLong.of(2), "cat.jpg"), 0);
        progress.event(whole.progress(0, 5, OptionalLong.empty(), ""), SECOND);
        progress.event(photo.progress(SECOND / 1000, 1, OptionalLong.of(2), "dog.jpg"), 2 * SECOND);
        assertThat(progress.latest(9, 4 * SECOND)).containsExactly(
                new ProgressNow(7, "photos", "resize", 1, 2L, "dog.jpg", null, 2),
                new ProgressNow(8, "net", "whole", 5, null, "", null, 3));
        assertThat(progress.latest(1, 4 * SECOND)).extracting(ProgressNow::task).containsExactly(7L);
        progress.event(photo.ended(Kind.SUCCEEDED, 2, 1L, null), 4 * SECOND);
        assertThat(progress.latest(9, 4 * SECOND)).extracting(ProgressNow::task).containsExactly(8L);
    }

    @Test
    void theTimeThatRemainsIsTheEstimateAfterTheSilence() {
        for (int i = 0; i <= 10; i++) {
            progress.event(whole.progress(i * 100_000L, i, OptionalLong.of(20), ""), i * SECOND / 10);
        }
        assertThat(progress.latest(1, SECOND).getFirst().remainingSeconds()).isEqualTo(1);
        assertThat(progress.latest(1, SECOND + SECOND / 4).getFirst().remainingSeconds()).isEqualTo(0.75);
    }

    @Test
    void whatIsKeptHasABound() {
        for (int i = 0; i < LatestProgress.MOST + 5; i++) {
            progress.event(new EventOf(i, "p", "t").progress(0, 0, OptionalLong.empty(), ""), 0);
        }
        assertThat(progress.latest(Integer.MAX_VALUE, 0)).hasSize(LatestProgress.MOST)
                .last().returns(5L, ProgressNow::task);
    }

    @Test
    void aWholeThatIsSilentForLongIsForgotten() {
        progress.event(whole.progress(0, 5, OptionalLong.empty(), ""), 0);
        long longest = LatestProgress.LONGEST_SILENCE_SECONDS * SECOND;
        assertThat(progress.latest(9, longest)).hasSize(1);
        assertThat(progress.latest(9, longest + 1)).isEmpty();
        assertThat(progress.latest(9, 0)).isEmpty();
    }
}
