package dev.sennit.cli.services;

import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Table;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.text.JsonLine;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Prints what a manager says of itself, its services and their workers. */
public final class ServicesReport {
    private final Terminal terminal;
    private final List<List<String>> rows = new ArrayList<>();

    public ServicesReport(Terminal terminal) {
        this.terminal = terminal;
    }

    public void take(List<String> row) {
        rows.add(row);
    }

    /** Whether all services are up. */
    boolean isUp() {
        return of("service").stream().allMatch(row -> row.get(6).equals("true"));
    }

    private List<List<String>> of(String kind) {
        return rows.stream().filter(row -> row.getFirst().equals(kind)).toList();
    }

    void print() {
        lines().forEach(terminal::line);
    }

    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        for (List<String> row : of("manager")) {
            lines.add(row.get(1) + ": " + row.get(4) + ", pid " + row.get(2) + ", for "
                    + age(row.get(5)) + ", runs " + row.get(3)
                    + (row.get(6).equals("0") ? "" : ", " + row.get(6) + " lines of the log were dropped"));
        }
        // "": the text of the last cell widens nothing
        var services = new Table("service", "wanted", "ready", "generation", "state", "");
        for (List<String> row : of("service")) {
            String state = row.get(5).equals("true") ? "reloading" : row.get(6).equals("true") ? "up" : "not up";
            services.add(row.get(1), row.get(2), row.get(3), row.get(4),
                    state + (row.get(7).isEmpty() ? "" : ": " + row.get(7)));
        }
        lines.addAll(services.lines());
        var workers = new Table(
                "worker", "state", "pid", "age", "restarts", "replaced", "work", "cpu", "memory", "beat", "why", "");
        for (List<String> row : of("worker")) {
            workers.add(
                    row.get(1) + "(" + row.get(2) + ")",
                    row.get(3).toLowerCase(Locale.ROOT),
                    row.get(4).equals("0") ? "-" : row.get(4),
                    age(row.get(5)),
                    row.get(6),
                    row.get(7),
                    row.get(8),
                    age(row.get(9)),
                    row.get(10).isEmpty() ? "-" : Figures.bytes(Long.parseLong(row.get(10))),
                    age(row.get(11)),
                    row.get(14));
        }
        lines.addAll(workers.lines());
        for (List<String> row : of("listener")) {
            lines.add("listener " + row.get(1) + ": " + row.get(2)
                    + (row.get(3).equals("true") ? "" : ", each worker has a socket of its own (SO_REUSEPORT)"));
        }
        return lines;
    }

    /** A time in seconds, as people read it: {@code 12s}, {@code 3m04s}, {@code 2h05m}, {@code 4d03h}. */
    static String age(String seconds) {
        if (seconds.isEmpty()) {
            return "-";
        }
        double exact = Double.parseDouble(seconds);
        if (exact < 10) {
            return String.format(Locale.ROOT, "%.1fs", exact);
        }
        long all = (long) exact;
        if (all < 60) {
            return all + "s";
        }
        if (all < 3600) {
            return String.format(Locale.ROOT, "%dm%02ds", all / 60, all % 60);
        }
        return all < 86_400
                ? String.format(Locale.ROOT, "%dh%02dm", all / 3600, all / 60 % 60)
                : String.format(Locale.ROOT, "%dd%02dh", all / 86_400, all / 3600 % 24);
    }

    void printJson() {
        jsonLines().forEach(terminal::line);
    }

    public List<String> jsonLines() {
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            JsonLine line = switch (row.getFirst()) {
                case "manager" -> new JsonLine()
                        .put("manager", row.get(1))
                        .put("pid", Long.parseLong(row.get(2)))
                        .put("file", row.get(3))
                        .put("state", row.get(4))
                        .put("upSeconds", Double.parseDouble(row.get(5)))
                        .put("droppedLines", Long.parseLong(row.get(6)));
                case "service" -> new JsonLine()
                        .put("service", row.get(1))
                        .put("wanted", Integer.parseInt(row.get(2)))
                        .put("ready", Integer.parseInt(row.get(3)))
                        .put("generation", Long.parseLong(row.get(4)))
                        .put("reloading", row.get(5).equals("true"))
                        .put("up", row.get(6).equals("true"))
                        .put("obstacle", row.get(7));
                case "worker" -> worker(row);
                default -> new JsonLine()
                        .put("listener", row.get(1))
                        .put("address", row.get(2))
                        .put("shared", row.get(3).equals("true"));
            };
            lines.add(line.toString());
        }
        return lines;
    }

    private static JsonLine worker(List<String> row) {
        return new JsonLine()
                .put("worker", row.get(1) + "(" + row.get(2) + ")")
                .put("state", row.get(3).toLowerCase(Locale.ROOT))
                .put("since", row.get(13))
                .put("why", row.get(14))
                .put("pid", row.get(4).equals("0") ? null : (Object) Long.parseLong(row.get(4)))
                .put("generation", Long.parseLong(row.get(12)))
                .put("ageSeconds", number(row.get(5)))
                .put("restarts", Long.parseLong(row.get(6)))
                .put("replacements", Long.parseLong(row.get(7)))
                .put("work", Long.parseLong(row.get(8)))
                .put("cpuSeconds", number(row.get(9)))
                .put("memoryBytes", row.get(10).isEmpty() ? null : (Object) Long.parseLong(row.get(10)))
                .put("heartbeatAgeSeconds", number(row.get(11)))
                .put("lastEnd", row.get(15))
                .put("replacing", row.get(16).equals("true"));
    }

    private static Object number(String text) {
        return text.isEmpty() ? Double.NaN : Double.valueOf(text);
    }
}
