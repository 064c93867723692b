package dev.sennit.benchmarks.measure;

import java.util.List;

/** The part of a page between {@code <!-- NAME -->} and {@code <!-- /NAME -->}, each on a line of its own. */
public record MarkedBlock(String name) {

    private String opening() {
        return "<!-- " + name + " -->";
    }

    private String closing() {
        return "<!-- /" + name + " -->";
    }

    /** The page with other lines in this block; throws {@link IllegalArgumentException} when it has no such block. */
    public String replaceIn(String page, List<String> lines) {
        int start = lineOf(page, opening(), 0);
        int end = lineOf(page, closing(), start);
        int inside = page.indexOf('\n', start) + 1;
        String text = lines.isEmpty() ? "" : String.join("\n", lines) + "\n";
        return page.substring(0, inside) + text + page.substring(end);
    }

    /** Throws {@link IllegalArgumentException} when the page has no such block. */
    public void ensureIn(String page) {
        lineOf(page, closing(), lineOf(page, opening(), 0));
    }

    /** Where a line begins that is this marker and nothing else. */
    private static int lineOf(String page, String marker, int from) {
        for (int at = page.indexOf(marker, from); at >= 0; at = page.indexOf(marker, at + 1)) {
            int end = at + marker.length();
            boolean begins = at == 0 || page.charAt(at - 1) == '\n';
            boolean ends = end == page.length() || page.charAt(end) == '\n' || page.charAt(end) == '\r';
            if (begins && ends) {
                return at;
            }
        }
        throw new IllegalArgumentException("no line \"" + marker + "\"");
    }
}
