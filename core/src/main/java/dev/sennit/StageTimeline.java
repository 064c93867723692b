package dev.sennit;

import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A picture of the runs in a {@link Pipeline} over time: a band for each stage, a bar for each run, a lane for each of
 * the runs at a time. Failures are red, and the tooltip of a bar has its item, worker and times.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("threads:2")) {
 *     var made = Pipeline.from(java.util.List.of(1, 2, 3)).through("double", pool, n -> 2 * n).recording().toList();
 *     java.nio.file.Files.writeString(java.nio.file.Path.of("what-ran.svg"), StageTimeline.of(made.runs()).svg());
 * }
 * }
 *
 * <p>Immutable.
 */
public final class StageTimeline {
    private static final List<String> COLOURS =
            List.of("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2");
    private static final String FAILED = "#c00000";
    private static final int WIDTH = 900;
    /** Left of the time: room for the names of the bands, within these bounds. */
    private static final int LEAST_LEFT = 90;

    private static final int MOST_LEFT = 300;
    private static final double LETTER = 6.5;
    private static final int RIGHT = 20;
    private static final int LANE = 12;
    private static final int GAP = 14;
    private static final int TOP = 14;
    private static final int AXIS = 34;
    private static final int MOST_TICKS = 10;
    private static final double SHORTEST = 1e-6;
    private static final double FIRST_DECADE = 1e-6;
    private static final double[] STEPS = {1, 2, 5};

    private final Map<String, List<List<StageRun>>> lanes;
    private final double seconds;
    private final int left;

    private StageTimeline(Map<String, List<List<StageRun>>> lanes, double seconds) {
        this.lanes = lanes;
        this.seconds = seconds;
        int longest = lanes.keySet().stream().mapToInt(name -> shortened(name).length()).max().orElse(0);
        left = Math.clamp((int) (longest * LETTER) + 16, LEAST_LEFT, MOST_LEFT);
    }

    /**
     * Lays the runs out: each goes into the first lane of its stage that is free when it starts.
     *
     * @param runs in any order; without any the picture is an empty axis
     * @return the timeline
     */
    public static StageTimeline of(Collection<StageRun> runs) {
        Map<String, List<List<StageRun>>> lanes = new LinkedHashMap<>();
        List<StageRun> sorted = new ArrayList<>(runs);
        sorted.sort(Comparator.comparing(StageRun::start));
        double end = 0;
        for (StageRun run : sorted) {
            List<List<StageRun>> ofStage = lanes.computeIfAbsent(run.stage(), stage -> new ArrayList<>());
            List<StageRun> free = ofStage.stream()
                    .filter(lane -> lane.getLast().end().compareTo(run.start()) <= 0)
                    .findFirst()
                    .orElse(null);
            if (free == null) {
                free = new ArrayList<>();
                ofStage.add(free);
            }
            free.add(run);
            end = Math.max(end, seconds(run.end()));
        }
        return new StageTimeline(lanes, Math.max(end, SHORTEST));
    }

    /**
     * Returns the picture as SVG.
     *
     * @return a whole SVG document, to be written in UTF-8
     */
    public String svg() {
        int height = TOP + AXIS + lanes.values().stream().mapToInt(all -> all.size() * LANE + GAP).sum();
        var text = new StringBuilder();
        line(text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                        + "font-family=\"sans-serif\" font-size=\"12\">",
                WIDTH, height, WIDTH, height);
        line(text, "<title>What ran when</title>");
        line(text, "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>", WIDTH, height);
        int y = TOP;
        int colour = 0;
        for (Map.Entry<String, List<List<StageRun>>> stage : lanes.entrySet()) {
            line(text, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>",
                    left - 8, y + stage.getValue().size() * LANE / 2 + 4, escaped(shortened(stage.getKey())));
            for (List<StageRun> lane : stage.getValue()) {
                for (StageRun run : lane) {
                    bar(text, run, y, COLOURS.get(colour % COLOURS.size()));
                }
                y += LANE;
            }
            y += GAP;
            colour++;
        }
        axis(text, y);
        line(text, "</svg>");
        return text.toString();
    }

    private void bar(StringBuilder text, StageRun run, int y, String colour) {
        line(text,
                "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\"><title>%s %d on %s: %.3f to %.3f "
                        + "s%s</title></rect>",
                x(seconds(run.start())), y + 1, Math.max(0.5, x(seconds(run.end())) - x(seconds(run.start()))),
                LANE - 2,
                run.succeeded() ? colour : FAILED, escaped(run.stage()), run.item(), escaped(run.worker()),
                seconds(run.start()), seconds(run.end()), run.succeeded() ? "" : ", failed");
    }

    private void axis(StringBuilder text, int y) {
        line(text, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#888\"/>", left, y, WIDTH - RIGHT, y);
        double step = step();
        for (int i = 0; i * step <= seconds; i++) {
            double x = x(i * step);
            line(text, "<line x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\" stroke=\"#888\"/>", x, y, x, y + 4);
            line(text, "<text x=\"%.2f\" y=\"%d\" text-anchor=\"middle\">%s s</text>", x, y + 18, number(i * step));
        }
    }

    /** Returns the least of 1, 2, 5, 10, 20, ... microseconds that makes few enough ticks. */
    private double step() {
        for (double decade = FIRST_DECADE;; decade *= 10) {
            for (double step : STEPS) {
                if (seconds / (step * decade) <= MOST_TICKS) {
                    return step * decade;
                }
            }
        }
    }

    private double x(double at) {
        return left + at / seconds * (WIDTH - left - RIGHT);
    }

    private static String number(double value) {
        return new BigDecimal(value)
                .round(new MathContext(4))
                .stripTrailingZeros()
                .toPlainString();
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    /** Returns a name that fits beside the band; the tooltips have it whole. */
    private static String shortened(String name) {
        int most = (int) ((MOST_LEFT - 16) / LETTER);
        return name.codePointCount(0, name.length()) <= most
                ? name
                : name.substring(0, name.offsetByCodePoints(0, most - 3)) + "...";
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private static void line(StringBuilder text, String form, Object... values) {
        text.append(String.format(Locale.ROOT, form, values)).append('\n');
    }
}
