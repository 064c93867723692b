package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Waits that end without a reason, under the agent. */
@Timeout(120)
class SpuriousWaitsIT {
    @Test
    void codeThatDoesNotLookAgainIsFoundAndOtherIsNot(@TempDir Path folder) throws Exception {
        List<String> expected = new ArrayList<>();
        for (String strategy : List.of("RANDOM", "SPURIOUS", "POS", "PORTFOLIO")) {
            SpuriousBodies.BROKEN_BY_CLOCK.forEach(each -> expected.add(line(strategy, each) + "THREW found given"));
            SpuriousBodies.BROKEN.forEach(each -> expected.add(line(strategy, each) + "THREW found given"));
            SpuriousBodies.MENDED.forEach(each -> expected.add(line(strategy, each) + "nothing"));
            expected.add(line(strategy, SpuriousBodies.AwaitInALoop.class) + "nothing");
            expected.add(line(strategy, SpuriousBodies.AwaitUntilThePast.class) + "nothing");
        }

        String printed = AgentRun.of(folder).program(SpuriousBodies.Program.class, SpuriousBodies.class.getName());

        assertThat(printed.lines()).containsExactlyElementsOf(expected);
    }

    private static String line(String strategy, Class<?> type) {
        return strategy + " " + type.getSimpleName() + ": ";
    }
}
