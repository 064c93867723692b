package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.process.StatusPage.Progress;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusPageTest {
    private static final Progress BEFORE = new Progress(3, 4, 5);

    /** The worker has come to 5 of the tasks that it was sent. */
    @ParameterizedTest
    @CsvSource({
        "3, 4, 5, 5, true",
        "4, 4, 5, 5, true",
        "9, 9, 9, 9, true",
        "3, 4, 5, 4, false",
        "9, 9, 9, 8, false",
        "2, 4, 5, 5, false",
        "3, 3, 5, 5, false",
        "3, 4, 4, 5, false",
        "5, 4, 5, 5, false",
        "4, 6, 5, 6, false",
        "-1, 4, 5, 5, false",
        "9223372036854775807, 9223372036854775807, 9223372036854775807, 5, false",
        "-9223372036854775808, -9223372036854775808, -9223372036854775808, 5, false"
    })
    void whatCanFollow(long ended, long begun, long seen, long sent, boolean can) {
        assertThat(new Progress(ended, begun, seen).canFollow(BEFORE, sent)).isEqualTo(can);
    }

    @Test
    void aTaskHasAWordWhenItsPredecessorThereHasBeenSeen() {
        var page = new StatusPage(Arena.ofAuto().allocate(StatusPage.SIZE, 8));
        assertThat(page.progress()).isEqualTo(Progress.NONE);
        assertThat(page.progress().leavesWordFor(StatusPage.WORDS)).isTrue();
        assertThat(page.progress().leavesWordFor(StatusPage.WORDS + 1)).isFalse();
        page.saw(1);
        assertThat(page.progress().leavesWordFor(StatusPage.WORDS + 1)).isTrue();
        page.began(1);
        page.ended(1);
        assertThat(page.progress()).isEqualTo(new Progress(1, 1, 1));
    }

    @Test
    void aRequestToStopReachesItsTaskAlone() {
        var page = new StatusPage(Arena.ofAuto().allocate(StatusPage.SIZE, 8));
        for (long task = 0; task < 3 * StatusPage.WORDS; task++) {
            assertThat(page.isStopRequested(task)).isEqualTo(task == 0); // there is no task 0
        }
        page.requestStop(5);
        page.requestStop(5 + StatusPage.WORDS); // may have been sent while 5 runs
        assertThat(page.isStopRequested(5)).isTrue();
        assertThat(page.isStopRequested(5 + StatusPage.WORDS)).isTrue();
        assertThat(page.isStopRequested(4)).isFalse();
        assertThat(page.isStopRequested(6)).isFalse();
        long later = 5 + 2L * StatusPage.WORDS;
        assertThat(page.isStopRequested(later)).isFalse();
        page.requestStop(later);
        page.requestStop(5); // has ended long ago
        assertThat(page.isStopRequested(later)).isTrue();
        assertThat(page.isStopRequested(5)).isFalse();
        assertThat(page.progress()).isEqualTo(Progress.NONE);
    }
}
