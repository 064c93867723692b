package dev.sennit.benchmarks.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class MarkedBlockTest {
    private static final MarkedBlock BLOCK = new MarkedBlock("start");

    @Test
    void replacesWhatLiesBetweenTheMarkersAndNothingElse() {
        assertThat(BLOCK.replaceIn("before\n<!-- start -->\nold\nolder\n<!-- /start -->\nafter\n",
                List.of("new", "newer")))
                .isEqualTo("before\n<!-- start -->\nnew\nnewer\n<!-- /start -->\nafter\n");
    }

    @Test
    void fillsAnEmptyBlockAndEmptiesAFullOne() {
        String empty = "<!-- start -->\n<!-- /start -->";
        String full = BLOCK.replaceIn(empty, List.of("$1 \\ |"));
        assertThat(full).isEqualTo("<!-- start -->\n$1 \\ |\n<!-- /start -->");
        assertThat(BLOCK.replaceIn(full, List.of())).isEqualTo(empty);
    }

    @Test
    void otherBlocksStayAsTheyAre() {
        String page = "<!-- inline -->\na\n<!-- /inline -->\n<!-- start -->\nb\n<!-- /start -->\n";
        assertThat(BLOCK.replaceIn(page, List.of("c")))
                .isEqualTo("<!-- inline -->\na\n<!-- /inline -->\n<!-- start -->\nc\n<!-- /start -->\n");
    }

    @Test
    void aMarkerInRunningTextIsNone() {
        String page = "write `<!-- start -->` there\n<!-- start -->\nb\n<!-- /start -->\n";
        assertThat(BLOCK.replaceIn(page, List.of("c")))
                .isEqualTo("write `<!-- start -->` there\n<!-- start -->\nc\n<!-- /start -->\n");
    }

    @Test
    void aPageWithoutTheMarkersIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BLOCK.replaceIn("text\n", List.of("new")))
                .withMessage("no line \"<!-- start -->\"");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BLOCK.ensureIn("<!-- /start -->\n<!-- start -->\n"))
                .withMessage("no line \"<!-- /start -->\"");
    }
}
