package dev.sennit.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** Median time over workers: a line a kind with its best count marked, and inline as a level line. */
final class ScalingPlot {
    static final String SVG = ".svg";
    static final String PNG = ".png";

    private static final int WIDTH = 900;
    private static final int HEIGHT = 560;
    /** Of a bitmap, to a unit of the chart. */
    private static final int PIXELS = 2;
    /** Told apart by people who see colours differently (Okabe and Ito). */
    private static final List<Color> COLOURS =
            List.of(new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73), new Color(0xCC79A7));

    private static final Color INK = new Color(0x333333);
    private static final Color FAINT = new Color(0xDDDDDD);

    /** Parts of the whole height and width. */
    private static final double LABEL_HEIGHT = 0.05;

    private static final double SIDE_MARGIN = 0.08;
    private static final double HALF = 0.5;

    private final XYChart chart;
    private final double highest;

    ScalingPlot(String workload, List<Measurement> measurements) {
        System.setProperty("java.awt.headless", "true"); // before the first class of AWT looks at it
        chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(workload + " on " + Runtime.getRuntime().availableProcessors() + " processors")
                .xAxisTitle("workers")
                .yAxisTitle("median wall time, seconds")
                .build();
        int most = measurements.stream().mapToInt(ScalingPlot::workers).max().orElse(1);
        highest = measurements.stream()
                .filter(each -> !each.failed())
                .mapToDouble(Measurement::wallSeconds)
                .max()
                .orElse(1);
        style(most);
        Cost.inline(measurements).ifPresent(inline -> level(inline, most));
        int number = 0;
        for (var kind : byKind(measurements).entrySet()) {
            line(kind.getKey(), kind.getValue(), number++);
        }
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
        double margin = Math.max(HALF, most * SIDE_MARGIN); // room for a label at either end
        styler.setXAxisMin(1 - margin);
        styler.setXAxisMax(most + margin);
        chart.setCustomXAxisTickLabelsFormatter(x -> x == Math.rint(x) && x >= 1 ? String.valueOf(x.intValue()) : "");
        styler.setAnnotationTextFont(new Font(Font.SANS_SERIF, Font.BOLD, 12));
        styler.setAnnotationTextFontColor(INK);
    }

    private void level(Measurement inline, int most) {
        XYSeries series = chart.addSeries(
                "inline, " + Figures.duration(inline.wallSeconds()),
                new double[] {1, most},
                new double[] {inline.wallSeconds(), inline.wallSeconds()});
        series.setMarker(SeriesMarkers.NONE);
        series.setLineColor(INK);
        series.setLineStyle(new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 1, new float[] {6, 5}, 0));
    }

    private void line(String kind, List<Measurement> rising, int number) {
        Color colour = COLOURS.get(number % COLOURS.size());
        Measurement best = rising.stream()
                .min(Comparator.comparingDouble(Measurement::wallSeconds))
                .orElseThrow();
        String figures = workers(best) + ": " + Figures.duration(best.wallSeconds());
        XYSeries series = chart.addSeries(
                kind + ", best " + figures,
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
        chart.addAnnotation(new AnnotationText(
                kind + " " + figures,
                workers(best),
                best.wallSeconds() - highest * LABEL_HEIGHT * (number + 1), // one below the other where bests are close
                false));
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

    /** Writes the file, whose name ends in {@link #SVG} or {@link #PNG}. */
    void write(Path file) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            if (file.toString().endsWith(PNG)) {
                ImageIO.write(image(), "png", out);
            } else {
                VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
            }
        }
    }
}
