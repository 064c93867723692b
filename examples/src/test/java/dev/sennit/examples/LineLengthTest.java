package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * No line of Java, and no line of prose in Markdown, is longer than 120 columns.
 *
 * <p>The formatter breaks code. It leaves comments, strings and Markdown as they are, so this test looks at them.
 */
class LineLengthTest {
    private static final int COLUMNS = 120;
    private static final Path ROOT = Path.of("..");
    /** Cannot be broken: a single word, such as an address, behind the marks of a comment, an item or a quotation. */
    private static final Pattern ONE_WORD = Pattern.compile("\\s*(?:[*+>-]|//|\\d+\\.)?\\s*\\S+");
    private static final Pattern FENCE = Pattern.compile("\\s*(```|~~~).*");
    private static final Pattern TABLE_OR_LINK = Pattern.compile("\\s*(?:\\||\\[[^]]+]:\\s).*");
    /** Begins what a measurement writes into a page, until the same with a slash. */
    private static final Pattern WRITTEN = Pattern.compile("<!-- (\\w+) -->");

    /** The files below a folder, but for what was built and for hidden folders. */
    private static List<Path> files(Path root) throws IOException {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                String name = folder.getFileName().toString();
                boolean isSource = folder.equals(root) || !name.equals("target") && !name.startsWith(".");
                return isSource ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                files.add(file);
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }

    private static List<Path> files(String ending) throws IOException {
        return files(ROOT).stream().filter(file -> file.toString().endsWith(ending)).toList();
    }

    private static boolean isTooLong(String line) {
        return line.codePointCount(0, line.length()) > COLUMNS && !ONE_WORD.matcher(line).matches();
    }

    private static List<String> tooLongInJava(String where, List<String> lines) {
        List<String> found = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (isTooLong(lines.get(i))) {
                found.add(where + ":" + (i + 1));
            }
        }
        return found;
    }

    /** Prose is all but tables, blocks of code, what a measurement writes, and addresses of links. */
    private static List<String> tooLongInMarkdown(String where, List<String> lines) {
        List<String> found = new ArrayList<>();
        String end = null;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (end != null) {
                end = line.strip().equals(end) ? null : end;
                continue;
            }
            Matcher fence = FENCE.matcher(line);
            Matcher written = WRITTEN.matcher(line);
            if (fence.matches()) {
                end = fence.group(1);
            } else if (written.matches()) {
                end = "<!-- /" + written.group(1) + " -->";
            } else if (isTooLong(line) && !TABLE_OR_LINK.matcher(line).matches()) {
                found.add(where + ":" + (i + 1));
            }
        }
        assertThat(end).as("what ends the last block of %s", where).isNull();
        return found;
    }

    @Test
    void javaStaysWithin120Columns() throws Exception {
        List<Path> sources = files(".java");
        assertThat(sources).contains(
                ROOT.resolve("examples/src/test/java/dev/sennit/examples/LineLengthTest.java"),
                ROOT.resolve("core/src/main/java/dev/sennit/Pool.java"));
        List<String> found = new ArrayList<>();
        for (Path source : sources) {
            found.addAll(tooLongInJava(source.toString(), Files.readAllLines(source)));
        }
        assertThat(found).as("lines longer than 120 columns").isEmpty();
    }

    @Test
    void proseStaysWithin120Columns() throws Exception {
        List<Path> pages = files(".md");
        assertThat(pages).contains(ROOT.resolve("README.md"), ROOT.resolve("docs/ARCHITECTURE.md"));
        List<String> found = new ArrayList<>();
        for (Path page : pages) {
            found.addAll(tooLongInMarkdown(page.toString(), Files.readAllLines(page)));
        }
        assertThat(found).as("lines of prose longer than 120 columns").isEmpty();
    }

    @Test
    void findsWhatIsTooLong() {
        String fits = "a ".repeat(60);
        String longer = fits + "b";
        String address = "https://sennit.dev/" + "c".repeat(120);

        assertThat(tooLongInJava("A", List.of(fits, longer, "    // " + fits, "    // " + address)))
                .containsExactly("A:2", "A:3");
        assertThat(tooLongInMarkdown("B", List.of(
                fits, longer, "- " + longer, "# " + longer, "| " + longer + " |", "```java", longer, "```", longer,
                "<!-- latency -->", longer, "<!-- /latency -->", longer, "- " + address, "[1]: " + address, fits)))
                .containsExactly("B:2", "B:3", "B:4", "B:9", "B:13");
    }
}
