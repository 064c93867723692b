package dev.sennit.testing;

import dev.sennit.testing.Lanes.Cell;
import dev.sennit.testing.ScheduleRecording.Kind;
import dev.sennit.testing.ScheduleRecording.Row;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;

/** A recorded schedule as an HTML page that needs nothing else: a lane for each thread, time goes down. */
final class SchedulePicture {
    private static final int MOST_LINES = 2000;
    /** With more lanes, threads that matter little share one. */
    private static final int MANY_LANES = 12;

    private static final String STYLE = """
            :root { color-scheme: light dark; --back: #fff; --text: #1c2024; --dim: #646b73; --line: #d9dde2;
              --lane: #f6f7f9; --card: #fff;
              --read: #2f6fb5; --write: #8a4fc4; --call: #13807a; --wait: #8b929a; --away: #b86e00;
              --bad: #c62828; --bad-back: #fdecea; }
            @media (prefers-color-scheme: dark) { :root { --back: #16181b; --text: #e4e7ea; --dim: #98a0a8;
              --line: #33383e; --lane: #1c1f23; --card: #24282d; --read: #79b0ea; --write: #c49bea; --call: #4fc1b8;
              --wait: #7d858d; --away: #e5a33d; --bad: #ff7b72; --bad-back: #3b1f20; } }
            * { box-sizing: border-box; }
            body { margin: 0; padding: 1.25rem; background: var(--back); color: var(--text);
              font: 14px/1.45 system-ui, sans-serif; }
            h1 { font-size: 1.15rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
            p { margin: 0 0 .25rem; color: var(--dim); overflow-wrap: anywhere; }
            code, .at { font-family: ui-monospace, monospace; font-size: .85em; }
            .scroll { overflow: auto; max-height: calc(100vh - 2rem); margin-top: 1rem; border: 1px solid var(--line);
              border-radius: 6px; }
            .grid { display: grid; column-gap: 6px; row-gap: 3px; width: max-content; min-width: 100%;
              padding: 0 6px 6px 0; }
            .lane { background: var(--lane); border-left: 1px solid var(--line); }
            .name, .step, .corner { position: sticky; background: var(--back); }
            .name, .corner { top: 0; z-index: 2; padding: .4rem .6rem; white-space: nowrap; font-weight: 600;
              border-bottom: 1px solid var(--line); }
            .step, .corner { left: 0; z-index: 1; text-align: right; padding: .2rem .6rem; color: var(--dim); }
            .corner { z-index: 3; padding: .4rem .6rem; }
            .cell { max-width: 19rem; margin: 0 6px; padding: .15rem .5rem; background: var(--card);
              border: 1px solid var(--line);
              border-left: 4px solid var(--read); border-radius: 4px; }
            .writes { border-left-color: var(--write); }
            .calls { border-left-color: var(--call); }
            .suspended { border-left-color: var(--wait); color: var(--dim); }
            .preempted { border: 1px dashed var(--away); border-left: 4px solid var(--away); }
            .failed { border-color: var(--bad); border-left: 4px solid var(--bad); background: var(--bad-back);
              font-weight: 600; }
            .at { color: var(--dim); font-weight: 400; white-space: nowrap; }
            """;

    private SchedulePicture() {}

    /** Returns the page. The text says what has happened; its lines come above the picture. */
    static String html(String text, ScheduleRecording recording) {
        Lanes all = Lanes.of(recording);
        Lanes lanes = all.names().size() > MANY_LANES ? Lanes.fewOf(recording) : all;
        int skipped = Math.max(0, lanes.lines() - MOST_LINES);
        var page = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
        String[] lines = text.split("\n");
        page.append(escaped(lines[0])).append("</title>\n<style>\n").append(STYLE)
                .append("</style>\n</head>\n<body>\n");
        for (int i = 0; i < lines.length; i++) {
            String tag = i == 0 ? "h1" : "p";
            page.append('<').append(tag).append('>').append(escaped(lines[i])).append("</").append(tag).append(">\n");
        }
        if (skipped > 0) {
            page.append("<p>Only the last ").append(MOST_LINES).append(" of ").append(lanes.lines())
                    .append(" lines are shown.</p>\n");
        }
        int count = lanes.names().size();
        page.append("<div class=\"scroll\"><div class=\"grid\" style=\"grid-template-columns: max-content repeat(")
                .append(count).append(", minmax(9rem, auto))\">\n");
        for (int i = 0; i < count; i++) {
            page.append("<div class=\"lane\" style=\"grid-area: 1 / ").append(i + 2).append(" / ")
                    .append(lanes.lines() - skipped + 2).append(" / ").append(i + 3).append("\"></div>\n");
        }
        page.append("<div class=\"corner\" style=\"grid-area: 1 / 1\">step</div>\n");
        for (int i = 0; i < count; i++) {
            page.append("<div class=\"name\" style=\"grid-area: 1 / ").append(i + 2).append("\">")
                    .append(escaped(lanes.names().get(i))).append("</div>\n");
        }
        for (Cell cell : lanes.cells()) {
            if (cell.line() >= skipped) {
                append(page, cell, cell.line() - skipped + 2);
            }
        }
        return page.append("</div></div>\n</body>\n</html>\n").toString();
    }

    private static void append(StringBuilder page, Cell cell, int line) {
        Row row = cell.row();
        if (!cell.step().isEmpty()) {
            page.append("<div class=\"step\" style=\"grid-area: ").append(line).append(" / 1\">")
                    .append(cell.step()).append("</div>\n");
        }
        String kind = row.kind() == Kind.ACCESS
                ? switch (cell.does().substring(0, cell.does().indexOf(' '))) {
                    case "reads" -> "reads";
                    case "writes" -> "writes";
                    default -> "calls";
                }
                : row.kind().toString().toLowerCase(Locale.ROOT);
        page.append("<div class=\"cell ").append(kind).append("\" style=\"grid-area: ").append(line).append(" / ")
                .append(cell.lane() + 2).append("\">").append(escaped(cell.does()));
        if (row.line() > 0) {
            page.append(" <span class=\"at\" title=\"").append(escaped(row.type() + '.' + row.method())).append("\">")
                    .append(escaped(row.file())).append(':').append(row.line()).append("</span>");
        }
        page.append("</div>\n");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    /**
     * Writes a page to a file of its own in a folder, unless one of this name has the same content already.
     *
     * @return the file
     */
    static Path write(String page, Path folder, String name) throws IOException {
        Files.createDirectories(folder);
        byte[] bytes = page.getBytes(StandardCharsets.UTF_8);
        for (int i = 1;; i++) {
            Path file = folder.resolve(name + (i == 1 ? "" : "-" + i) + ".html").toAbsolutePath();
            try {
                return Files.write(file, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            } catch (FileAlreadyExistsException e) {
                if (Files.isRegularFile(file) && Arrays.equals(Files.readAllBytes(file), bytes)) {
                    return file;
                }
            }
        }
    }
}
