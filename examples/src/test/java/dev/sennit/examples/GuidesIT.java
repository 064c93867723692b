package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs every snippet of the guides, and compares what it prints with the {@code text} block behind it, where there is
 * one. They run in one JVM of their own, one after another, so that a pool of processes finds their classes.
 */
class GuidesIT {
    private static final Path GUIDES = Path.of("../docs/guides");
    private static final Pattern SNIPPET =
            Pattern.compile("```java\\R(.*?)```\\R(?:```text\\R(.*?)```)?", Pattern.DOTALL);
    /** What a snippet prints whose server may be missing, and is. */
    private static final String LEFT_OUT = "==== left out: ";

    private static final String BORDER = "==== snippet ended ====";

    record Snippet(String where, String code, String prints) {}

    private static List<Snippet> snippets() throws Exception {
        List<Snippet> found = new ArrayList<>();
        try (Stream<Path> guides = Files.list(GUIDES)) {
            for (Path guide : guides.filter(file -> file.toString().endsWith(".md")).sorted().toList()) {
                String text = Files.readString(guide);
                Matcher matcher = SNIPPET.matcher(text);
                while (matcher.find()) {
                    long line = text.substring(0, matcher.start(1)).lines().count() + 1;
                    found.add(new Snippet(guide.getFileName() + ":" + line, matcher.group(1), matcher.group(2)));
                }
            }
        }
        return found;
    }

    private static String program(List<Snippet> snippets) {
        var imports = new StringBuilder();
        var methods = new StringBuilder();
        var calls = new StringBuilder();
        for (int i = 0; i < snippets.size(); i++) {
            methods.append("static void snippet" + i + "() throws Exception {\n");
            for (String line : snippets.get(i).code().lines().toList()) {
                (line.startsWith("import ") ? imports : methods).append(line).append('\n');
            }
            methods.append("}\n");
            calls.append("run(Guides::snippet" + i + ");\n");
        }
        return """
                import dev.sennit.*;
                import dev.sennit.images.*;
                import dev.sennit.loop.*;
                import dev.sennit.manager.*;
                import dev.sennit.observe.*;
                import dev.sennit.pipe.*;
                import dev.sennit.process.*;
                import dev.sennit.service.*;
                import dev.sennit.shared.*;
                import java.nio.file.*;
                import java.time.*;
                import java.util.*;
                import java.util.concurrent.*;
                import java.util.function.*;
                import java.util.stream.*;
                %s
                public class Guides {
                    interface Body {
                        void run() throws Exception;
                    }
                    static void run(Body body) throws Exception {
                        try {
                            body.run();
                        } catch (dev.sennit.testing.server.ServerNotInstalledException e) {
                            if (!Boolean.getBoolean("sennit.servers.optional")) {
                                throw e;
                            }
                            System.out.print("%s" + e.getMessage());
                        }
                        System.out.println("%s");
                    }
                    public static void main(String[] arguments) throws Exception {
                        %s
                    }
                    %s
                }
                """.formatted(imports, LEFT_OUT, BORDER, calls, methods);
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES) // a hundred programs, some with worker processes
    void everySnippetRunsAndPrintsWhatTheGuideSays(@TempDir Path folder) throws Exception {
        List<Snippet> snippets = snippets();
        assertThat(snippets).as("snippets found").hasSizeGreaterThan(10);
        Path source = Files.writeString(folder.resolve("Guides.java"), program(snippets));
        assertThat(ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-proc:none", "-d", folder.toString(), source.toString()))
                .isZero();

        Path errors = folder.resolve("errors");
        Process process = Jvm.of(folder + File.pathSeparator + System.getProperty("java.class.path"), "Guides")
                .redirectError(errors.toFile())
                .start();
        List<String> printed;
        try {
            var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("the guides' program has ended").isTrue();
            printed = List.of(output.split(BORDER + "\\R"));
            assertThat(process.exitValue())
                    .as("%s, after %s: %s", snippets.get(Math.min(printed.size(), snippets.size()) - 1).where(), output,
                            Files.readString(errors))
                    .isZero();
        } finally {
            process.destroyForcibly();
        }
        assertThat(printed).hasSameSizeAs(snippets);
        for (int i = 0; i < snippets.size(); i++) {
            Snippet snippet = snippets.get(i);
            if (snippet.prints() != null && !printed.get(i).contains(LEFT_OUT)) {
                assertThat(printed.get(i).strip()).as(snippet.where()).isEqualTo(snippet.prints().strip());
            }
        }
    }
}
