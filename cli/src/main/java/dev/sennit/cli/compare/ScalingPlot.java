package dev.sennit.cli.compare;

import dev.sennit.cli.command.Figures;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** A plot of median time over workers: a line for each kind with its best count marked, and inline as a level line. */
final class ScalingPlot {
    static final String SVG = ".svg";
    static final String PNG = ".png";

    private static final int WIDTH = 900;
    private static final int HEIGHT = 560;
    /** The pixels of a bitmap for each unit of the chart. */
    private static final int PIXELS = 2;
    /** Colours that colour-blind people can tell apart (Okabe and Ito). */
    private static final List<Color> COLOURS =
            List.of(new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73), new Color(0xCC79A7));

    private static final Color INK = new Color(0x333333);
    private static final Color FAINT = new Color(0xDDDDDD);

    /** As parts of the whole height and width. */
    private static final double LABEL_HEIGHT = 0.045;

    private static final double LABEL_WIDTH = 0.25;

    private final XYChart chart;
    private final double highest;
    /** The names of the lines. */
    private final List<String> described = new ArrayList<>();

    ScalingPlot(String workload, List<Measurement> measurements) {
        chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(workload + " on " + Runtime.getRuntime().availableProcessors() + " processors")
                .xAxisTitle("workers")
                .yAxisTitle("wall time in seconds, median of " + rounds(measurements))
                .build();
        int most = measurements.stream().mapToInt(ScalingPlot::workers).max().orElse(1);
        highest = measurements.stream()
                .filter(each -> !each.failed())
                .mapToDouble(Measurement::wallSeconds)
                .max()
                .orElse(1);
        style(most);
        Cost.inline(measurements).ifPresent(inline -> level(inline, most));
        List<Measurement> bests = new ArrayList<>();
        byKind(measurements).forEach((kind, rising) -> bests.add(line(kind, rising, bests.size())));
        label(bests, most);
    }

    /** Returns the number of rounds, the smallest of any point. */
    private static String rounds(List<Measurement> measurements) {
        int fewest = measurements.stream()
                .filter(each -> !each.failed())
                .mapToInt(Measurement::rounds)
                .min()
                .orElse(0);
        return Figures.count(fewest, "round", "rounds");
    }

    private XYSeries addSeries(String name, double[] x, double[] y) {
        described.add(name);
        return chart.addSeries(name, x, y);
    }

    private static Map<String, List<Measurement>> byKind(List<Measurement> measurements) {
        return measurements.stream()
                .filter(each -> !each.inline() && !each.failed() && each.workers() != null)
                .sorted(Comparator.comparingInt(ScalingPlot::workers))
                .collect(Collectors.groupingBy(Measurement::kind, LinkedHashMap::new, Collectors.toList()));
    }

    private static int workers(Measurement measurement) {
        return measurement.workers() == null ? 1 : measurement.workers();
    }

    private void style(int most) {
        var styler = chart.getStyler();
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setPlotGridLinesColor(FAINT);
        styler.setPlotGridVerticalLinesVisible(false);
        styler.setChartFontColor(INK);
        styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 16));
        styler.setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
        styler.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
        styler.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
        styler.setLegendPosition(LegendPosition.OutsideE);
        styler.setLegendBorderColor(Color.WHITE);
        styler.setYAxisMin(0.0);
        styler.setYAxisDecimalPattern("0.###");
        styler.setXAxisMin(0.0);
        styler.setXAxisMax(most + 1.0);
        chart.setCustomXAxisTickLabelsFormatter(x -> tickLabel(Math.round(x), most));
        styler.setAnnotationTextFont(new Font(Font.SANS_SERIF, Font.BOLD, 12));
        styler.setAnnotationTextFontColor(INK);
    }

    /**
     * Returns a label for whole numbers from 1.
     *
     * <p>The chart tries wider and wider steps, starting below the axis, until no two labels are the same; so each
     * number needs a label of its own, even if it is not shown, and no label may be empty.
     */
    private static String tickLabel(long workers, int most) {
        if (workers == 0) {
            return " ";
        }
        return workers == most + 1L ? "  " : String.valueOf(workers);
    }

    private void level(Measurement inline, int most) {
        XYSeries series = addSeries(
                "inline, " + Figures.duration(inline.wallSeconds()),
                new double[] {1, most},
                new double[] {inline.wallSeconds(), inline.wallSeconds()});
        series.setMarker(SeriesMarkers.NONE);
        series.setLineColor(INK);
        series.setLineStyle(
                new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 1, new float[] {6, 5}, 0));
    }

    /** Draws a line and a ring around its best point, which is returned. */
    private Measurement line(String kind, List<Measurement> rising, int number) {
        Color colour = COLOURS.get(number % COLOURS.size());
        Measurement best = rising.stream()
                .min(Comparator.comparingDouble(Measurement::wallSeconds))
                .orElseThrow();
        XYSeries series = addSeries(
                kind + ", best at " + bestText(best),
                rising.stream().mapToDouble(ScalingPlot::workers).toArray(),
                rising.stream().mapToDouble(Measurement::wallSeconds).toArray());
        series.setLineColor(colour);
        series.setMarkerColor(colour);
        series.setMarker(SeriesMarkers.CIRCLE);
        series.setLineStyle(new BasicStroke(2));

        XYSeries mark = chart.addSeries(
                "best of " + number, new double[] {workers(best)}, new double[] {best.wallSeconds()});
        mark.setMarker(new BestMarker());
        mark.setMarkerColor(colour);
        mark.setLineStyle(SeriesLines.NONE);
        mark.setShowInLegend(false);
        return best;
    }

    /** Writes the best of each kind under its ring. */
    private void label(List<Measurement> bests, int most) {
        List<Measurement> fromTheTop = new ArrayList<>(bests);
        fromTheTop.sort(Comparator.comparingDouble(Measurement::wallSeconds).reversed());
        List<double[]> places = labelPlaces(fromTheTop, most, highest);
        for (int i = 0; i < places.size(); i++) {
            Measurement best = fromTheTop.get(i);
            chart.addAnnotation(
                    new AnnotationText(best.kind() + " " + bestText(best), places.get(i)[0], places.get(i)[1], false));
        }
    }

    /**
     * Returns the places of the labels: under each ring - over it, near the floor - where no other label or ring is.
     *
     * @param bests the best of each kind, the slowest first
     * @param most the largest number of workers
     * @param highest the longest time
     * @return the middle of each label, in workers and seconds
     */
    static List<double[]> labelPlaces(List<Measurement> bests, int most, double highest) {
        double height = highest * LABEL_HEIGHT;
        double width = (most + 1) * LABEL_WIDTH;
        List<double[]> taken = new ArrayList<>();
        bests.forEach(best -> taken.add(new double[] {workers(best), best.wallSeconds()}));
        for (Measurement best : bests) {
            double step = best.wallSeconds() > (2 * bests.size() + 1) * height ? -height : height;
            double x = workers(best);
            double y = best.wallSeconds() + step;
            while (isTaken(taken, x, y, width, height)) {
                y += step / 4;
            }
            taken.add(new double[] {x, y});
        }
        return taken.subList(bests.size(), taken.size());
    }

    private static boolean isTaken(List<double[]> taken, double x, double y, double width, double height) {
        double rounding = 1e-9;
        return taken.stream()
                .anyMatch(place -> Math.abs(place[0] - x) < width && Math.abs(place[1] - y) < height - rounding);
    }

    private static String bestText(Measurement best) {
        return workers(best) + ": " + Figures.duration(best.wallSeconds());
    }

    /** A ring around the point. */
    private static final class BestMarker extends Marker {
        private static final int TIMES = 2;

        @Override
        public void paint(Graphics2D graphics, double x, double y, int size) {
            graphics.setStroke(new BasicStroke(2));
            double across = (double) TIMES * size;
            graphics.draw(new Ellipse2D.Double(x - across / 2, y - across / 2, across, across));
        }
    }

    private BufferedImage image() {
        var image = new BufferedImage(WIDTH * PIXELS, HEIGHT * PIXELS, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.scale(PIXELS, PIXELS);
        chart.paint(graphics, WIDTH, HEIGHT);
        graphics.dispose();
        return image;
    }

    /**
     * Returns the chart as SVG with a title and a description: its letters are outlines, which cannot be read or
     * searched.
     */
    private String describedSvg() throws IOException {
        var bytes = new ByteArrayOutputStream();
        VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
        String svg = bytes.toString(StandardCharsets.UTF_8);
        int inside = svg.indexOf('>', svg.indexOf("<svg ")) + 1;
        String words = "\n  <title>" + escaped(chart.getTitle()) + "</title>\n  <desc>" + escaped(chart.getYAxisTitle())
                + ", over workers: "
                + escaped(String.join("; ", described)) + "</desc>";
        return svg.substring(0, inside) + words + svg.substring(inside);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    /** Writes the file, whose name ends in {@link #SVG} or {@link #PNG}. */
    void write(Path file) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            if (file.toString().endsWith(PNG)) {
                ImageIO.write(image(), "png", out);
            } else {
                out.write(describedSvg().getBytes(StandardCharsets.UTF_8));
            }
        }
    }
}
