package dev.sennit.cli.services;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads Prometheus text, version 0.0.4, and refuses all that is not exactly as it should be. */
final class MetricsReader {
    /** A sample of a family. */
    record Sample(String name, Map<String, String> labels, double value) {}

    private static final Pattern HELP = Pattern.compile("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\\\]|\\\\[\\\\n])+)");
    private static final Pattern TYPE =
            Pattern.compile("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|summary|histogram)");
    private static final String LABEL = "[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\\]|\\\\[\\\\\"n])*\"";
    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(" + LABEL + "(?:," + LABEL
            + ")*)})? (-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?)");
    private static final Pattern ONE_LABEL = Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    private final List<Sample> samples = new ArrayList<>();
    private final Map<String, String> types = new LinkedHashMap<>();

    private MetricsReader() {}

    static MetricsReader read(String text) {
        var reader = new MetricsReader();
        refuse(!text.endsWith("\n"), "the last line has no end");
        String family = "";
        String helped = "";
        Set<Object> series = new HashSet<>();
        for (String line : text.substring(0, text.length() - 1).split("\n", -1)) {
            Matcher help = HELP.matcher(line);
            Matcher type = TYPE.matcher(line);
            Matcher sample = SAMPLE.matcher(line);
            refuse(line.contains("\r"), "a line has another end");
            refuse(!helped.isEmpty() && !type.matches(), "no type follows the help of " + helped);
            if (help.matches()) {
                helped = help.group(1);
            } else if (type.matches()) {
                refuse(!type.group(1).equals(helped), "a type without help: " + line);
                family = helped;
                helped = "";
                refuse(reader.types.put(family, type.group(2)) != null, "a second type: " + line);
                refuse(type.group(2).equals("counter") != family.endsWith("_total"), "a misleading name: " + line);
            } else {
                refuse(!sample.matches(), "no line of metrics: " + line);
                boolean isOfSummary = "summary".equals(reader.types.get(family))
                        && (sample.group(1).equals(family + "_sum") || sample.group(1).equals(family + "_count"));
                boolean isOfHistogram = "histogram".equals(reader.types.get(family))
                        && sample.group(1).matches(family + "_(bucket|sum|count)");
                refuse(!sample.group(1).equals(family) && !isOfSummary && !isOfHistogram,
                        "not of the family " + family + ": " + line);
                Map<String, String> labels = labels(sample.group(2));
                refuse(!series.add(List.of(sample.group(1), labels)), "a second sample of a series: " + line);
                reader.samples.add(new Sample(sample.group(1), labels, Double.parseDouble(sample.group(3))));
            }
        }
        refuse(!helped.isEmpty(), "no type follows the help of " + helped);
        return reader;
    }

    private static Map<String, String> labels(String text) {
        Map<String, String> labels = new LinkedHashMap<>();
        if (text == null) {
            return labels;
        }
        Matcher label = ONE_LABEL.matcher(text);
        while (label.find()) {
            String value = Pattern.compile("\\\\(.)").matcher(label.group(2)).replaceAll(
                    escape -> Matcher.quoteReplacement(escape.group(1).equals("n") ? "\n" : escape.group(1)));
            refuse(labels.put(label.group(1), value) != null, "a label stands twice: " + text);
            refuse(label.group(1).startsWith("__"), "a reserved label: " + text);
        }
        return labels;
    }

    private static void refuse(boolean isWrong, String why) {
        if (isWrong) {
            throw new AssertionError(why);
        }
    }

    /** Families, with their types. */
    Map<String, String> types() {
        return types;
    }

    List<Sample> samples(String name) {
        return samples.stream().filter(sample -> sample.name().equals(name)).toList();
    }

    /** The value of the only sample of a family with these labels. */
    double value(String name, String... labels) {
        Map<String, String> wanted = new LinkedHashMap<>();
        for (int i = 0; i < labels.length; i += 2) {
            wanted.put(labels[i], labels[i + 1]);
        }
        List<Sample> found = samples(name).stream()
                .filter(sample -> sample.labels().equals(wanted))
                .toList();
        refuse(found.size() != 1, found.size() + " samples of " + name + wanted);
        return found.getFirst().value();
    }
}
