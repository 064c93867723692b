package dev.sennit.micrometer;

import dev.sennit.observe.PrometheusPage;
import dev.sennit.observe.TaskFigures;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Statistic;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.TimeGauge;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The same figures by three ways: the library's page, the page of a registry for Prometheus, and meters. */
final class PageSamples {
    private static final Pattern SAMPLE = Pattern.compile("(\\w+)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");

    private PageSamples() {}

    static Map<String, Double> ofLibrary(TaskFigures figures) throws IOException {
        var page = new StringBuilder();
        PrometheusPage.write(page, figures);
        return ofPage(page.toString());
    }

    /** Samples by their name and labels, which are in order. */
    static Map<String, Double> ofPage(String page) {
        Map<String, Double> samples = new TreeMap<>();
        for (String line : page.lines().filter(each -> !each.startsWith("#")).toList()) {
            Matcher sample = SAMPLE.matcher(line);
            if (!sample.matches()) {
                throw new AssertionError(line);
            }
            List<String> labels = new ArrayList<>();
            if (sample.group(2) != null) {
                LABEL.matcher(sample.group(2)).results().forEach(one -> labels.add(one.group(1) + "=" + one.group(2)));
            }
            samples.put(key(sample.group(1), labels), Double.valueOf(sample.group(3)));
        }
        return samples;
    }

    private static String key(String name, List<String> labels) {
        return name + labels.stream().sorted().toList();
    }

    /** The meters of a registry under the names that the library's page has for the same. */
    static Map<String, Double> ofMeters(MeterRegistry registry) {
        Map<String, Double> samples = new TreeMap<>();
        for (Meter meter : registry.getMeters()) {
            String name = meter.getId().getName();
            List<String> labels = new ArrayList<>();
            for (Tag tag : meter.getId().getTags()) {
                labels.add((tag.getKey().equals("phi") ? "quantile" : tag.getKey()) + "=" + tag.getValue());
            }
            String plain = name.replace('.', '_');
            switch (meter) {
                case FunctionTimer timer -> {
                    samples.put(key(plain + "_seconds_count", labels), timer.count());
                    samples.put(key(plain + "_seconds_sum", labels), timer.totalTime(TimeUnit.SECONDS));
                }
                case TimeGauge time when name.endsWith(".percentile") -> samples.put(
                        key(plain.replace("_percentile", "_seconds"), labels), time.value(TimeUnit.SECONDS));
                case TimeGauge time -> samples.put(key(plain + "_seconds", labels), time.value(TimeUnit.SECONDS));
                default -> {
                    var measured = meter.measure().iterator().next();
                    String unit = meter.getId().getBaseUnit() == null ? "" : "_" + meter.getId().getBaseUnit();
                    String end = measured.getStatistic() == Statistic.COUNT ? "_total" : "";
                    samples.put(key(plain + unit + end, labels), measured.getValue());
                }
            }
        }
        return samples;
    }
}
