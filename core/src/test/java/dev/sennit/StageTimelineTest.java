package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class StageTimelineTest {
    private static StageRun run(String stage, long item, int start, int end) {
        return new StageRun(stage, item, Duration.ofMillis(start), Duration.ofMillis(end), "worker-1", true);
    }

    @Test
    void runsAtTheSameTimeAreInLanesOfTheirOwn() {
        List<Element> bars = bars(run("get", 0, 0, 100), run("get", 1, 50, 150), run("get", 2, 100, 200));

        assertThat(bars).extracting(bar -> bar.attribute("y")).containsExactly("15", "15", "27");
        assertThat(bars).extracting(Element::text).containsExactly(
                "get 0 on worker-1: 0.000 to 0.100 s",
                "get 2 on worker-1: 0.100 to 0.200 s",
                "get 1 on worker-1: 0.050 to 0.150 s");
    }

    @Test
    void timeGoesFromLeftToRightOverTheWholeWidth() {
        List<Element> bars = bars(run("get", 0, 0, 250), run("make", 0, 250, 1000));

        assertThat(bars.getFirst().number("x")).isEqualTo(90);
        assertThat(bars.getFirst().number("width")).isEqualTo(0.25 * 790);
        assertThat(bars.getLast().number("x")).isEqualTo(90 + 0.25 * 790);
        assertThat(bars.getLast().number("width")).isEqualTo(0.75 * 790);
    }

    @Test
    void stagesDifferInColourAndFailuresAreRed() {
        var failed = new StageRun("make", 1, Duration.ofMillis(1), Duration.ofMillis(2), "worker-2", false);
        List<Element> bars = bars(run("get", 0, 0, 1), run("make", 0, 0, 1), failed);

        assertThat(bars).extracting(bar -> bar.attribute("fill")).doesNotHaveDuplicates().endsWith("#c00000");
        assertThat(bars.getLast().text()).endsWith(", failed");
    }

    @Test
    void anyNameMayBeDrawn() {
        assertThat(texts(run("<a & b>", 0, 0, 1))).contains("&lt;a &amp; b&gt;");
    }

    @Test
    void longNamesHaveRoomAndVeryLongOnesEnd() {
        assertThat(bars(run("virtual-1: download", 0, 0, 1)).getFirst().number("x")).isBetween(110.0, 180.0);
        String long43 = "x".repeat(43);
        assertThat(bars(run(long43 + "yz", 0, 0, 1)).getFirst().number("x")).isEqualTo(295);
        assertThat(texts(run(long43, 0, 0, 1))).contains(long43);
        assertThat(texts(run(long43 + "yz", 0, 0, 1))).contains("x".repeat(40) + "...");
    }

    @Test
    void theAxisHasAFewRoundNumbers() {
        assertThat(texts(run("get", 0, 0, 13_200))).containsExactly(
                "get", "0 s", "2 s", "4 s", "6 s", "8 s", "10 s", "12 s");
        assertThat(texts(run("get", 0, 0, 30))).contains("0.005 s", "0.03 s").hasSize(8);
    }

    @Test
    void withoutRunsItIsAnAxis() {
        assertThat(bars()).isEmpty();
        assertThat(texts()).contains("0 s");
    }

    /** Without the background. */
    private static List<Element> bars(StageRun... runs) {
        List<Element> all = elements("rect", runs);
        return all.subList(1, all.size());
    }

    private static List<String> texts(StageRun... runs) {
        return elements("text", runs).stream().map(Element::text).toList();
    }

    /** An element's attributes, and the text in it. */
    private record Element(String attributes, String text) {
        String attribute(String name) {
            Matcher found = Pattern.compile(" " + name + "=\"([^\"]*)\"").matcher(attributes);
            assertThat(found.find()).as(name).isTrue();
            return found.group(1);
        }

        double number(String name) {
            return Double.parseDouble(attribute(name));
        }
    }

    /** Each is a line of the picture; whether that is SVG to a parser, the tests of the command see. */
    private static List<Element> elements(String name, StageRun... runs) {
        return Pattern.compile("<" + name + "( [^>]*)>(?:<title>)?([^<]*)")
                .matcher(StageTimeline.of(List.of(runs)).svg())
                .results()
                .map(found -> new Element(found.group(1), found.group(2).strip()))
                .toList();
    }
}
