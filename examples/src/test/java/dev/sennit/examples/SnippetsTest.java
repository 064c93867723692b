package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.source.util.JavacTask;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles every snippet of the README, the documents and the Javadoc, and knows the commands they name. */
class SnippetsTest {
    private static final Path ROOT = Path.of("..");
    private static final Path README = ROOT.resolve("README.md");
    private static final Pattern FENCED =
            Pattern.compile("(<!-- not compiled: [^>]+-->\\R)?```java\\R(.*?)```", Pattern.DOTALL);
    private static final Pattern JAVADOC =
            Pattern.compile("()\\{@snippet :\\R(.*?)\\R *\\* }\\R(?! *\\* })", Pattern.DOTALL);
    private static final Pattern WHOLE_CLASS =
            Pattern.compile("^(public |final |abstract |sealed )*(class|interface|record|enum) \\w", Pattern.MULTILINE);
    private static final Pattern COMMAND = Pattern.compile("^\\./(\\w+)(?: ([a-z]+))?", Pattern.MULTILINE);

    record Snippet(String where, String code) {}

    private static List<Snippet> snippets() throws Exception {
        List<Snippet> found = new ArrayList<>();
        for (Path document : documents()) {
            found.addAll(fenced(document, Files.readString(document)));
        }
        for (String module : List.of("core", "conformance", "images", "junit", "micrometer",
                "opentelemetry", "queue", "queue-conformance", "postgresql", "redis", "rabbitmq", "celery", "rq",
                "server")) {
            try (Stream<Path> sources = Files.walk(ROOT.resolve(module + "/src/main/java"))) {
                for (Path source : sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                    found.addAll(inJavadoc(source, Files.readString(source)));
                }
            }
        }
        return found;
    }

    private static List<Path> documents() throws Exception {
        try (Stream<Path> documents = Files.walk(ROOT.resolve("docs"))) {
            return Stream.concat(Stream.of(README, ROOT.resolve("CONTRIBUTING.md")), documents)
                    .filter(file -> file.toString().endsWith(".md"))
                    .toList();
        }
    }

    private static List<Snippet> fenced(Path document, String text) {
        return snippets(document, text, FENCED, "```java", "");
    }

    private static List<Snippet> inJavadoc(Path source, String text) {
        return snippets(source, text, JAVADOC, "{@snippet", "(?m)^ *\\* ?");
    }

    /** All that a file holds; one that is written so that the pattern passes it by is an error. */
    private static List<Snippet> snippets(Path file, String text, Pattern form, String start, String margin) {
        List<Snippet> found = new ArrayList<>();
        int seen = 0;
        Matcher matcher = form.matcher(text);
        while (matcher.find()) {
            seen++;
            if (matcher.group(1) == null || matcher.group(1).isEmpty()) {
                long line = text.substring(0, matcher.start(2)).lines().count() + 1;
                found.add(new Snippet(file + ":" + line, matcher.group(2).replaceAll(margin, "")));
            }
        }
        assertThat(seen).as("snippets of %s that could be read", file)
                .isEqualTo(text.split(Pattern.quote(start), -1).length - 1);
        return found;
    }

    /**
     * What javac says of snippets, each put into a method, or taken as a whole class if it is one. All go to one javac,
     * which has the classes they use to read once only; each is in a package of its own.
     */
    private static List<String> complaints(List<Snippet> snippets, Path classes) throws Exception {
        List<Source> sources = new ArrayList<>();
        for (int i = 0; i < snippets.size(); i++) {
            sources.add(source(snippets.get(i), i));
        }
        return javac(sources, "-d", classes.toString(), "-Xlint:all,-path,-try").getDiagnostics().stream()
                .map(one -> one.getSource() instanceof Source source ? source.where + ": " + one : one.toString())
                .toList();
    }

    private static DiagnosticCollector<JavaFileObject> javac(List<Source> sources, String... options) {
        var said = new DiagnosticCollector<JavaFileObject>();
        var besides = new StringWriter();
        List<String> all = new ArrayList<>(List.of("-proc:none", "-Xmaxerrs", "1000", "-Xmaxwarns", "1000"));
        all.addAll(List.of(options));
        boolean compiled = ToolProvider.getSystemJavaCompiler().getTask(besides, null, said, all, null, sources).call();
        assertThat(compiled || !said.getDiagnostics().isEmpty()).as("javac compiles, or says why not: %s", besides)
                .isTrue();
        return said;
    }

    private static Source source(Snippet snippet, int number) throws Exception {
        String imports = snippet.code().lines()
                .filter(line -> line.startsWith("import "))
                .reduce("", (all, line) -> all + line + "\n");
        String body = snippet.code().lines()
                .filter(line -> !line.startsWith("import "))
                .reduce("", (all, line) -> all + line + "\n");
        if (WHOLE_CLASS.matcher(body).find()) {
            var whole = new Source(snippet.where(), number, imports, body.replace("public class", "class"));
            if (isParsed(whole)) {
                return whole;
            }
        }
        return new Source(
                snippet.where(), number, imports,
                "class Snippet {\n static void run() throws Exception {\n" + body + "}\n}\n");
    }

    /** A class and then statements that use it are no whole class: a file that names its package cannot hold them. */
    private static boolean isParsed(Source source) throws IOException {
        var said = new DiagnosticCollector<JavaFileObject>();
        var parser = (JavacTask) ToolProvider.getSystemJavaCompiler()
                .getTask(Writer.nullWriter(), null, said, List.of("-proc:none"), null, List.of(source));
        parser.parse();
        return said.getDiagnostics().isEmpty();
    }

    /** What snippets of the guides and of the Javadoc do without; those on the README's page are whole. */
    private static final String USUAL_IMPORTS = """
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
            """;

    private static final class Source extends SimpleJavaFileObject {
        private final String where;
        private final String text;

        Source(String where, int number, String imports, String types) {
            super(URI.create("string:///snippet" + number + "/Snippet.java"), JavaFileObject.Kind.SOURCE);
            this.where = where;
            text = """
                    package snippet%d;
                    %s
                    %s
                    %s
                    """.formatted(number, where.startsWith(README + ":") ? "" : USUAL_IMPORTS, imports, types);
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    @Test
    void everySnippetCompiles(@TempDir Path classes) throws Exception {
        List<Snippet> snippets = snippets();
        assertThat(snippets).as("snippets found").hasSizeGreaterThan(10);
        assertThat(snippets).extracting(Snippet::where).anyMatch(where -> where.startsWith(README + ":"));
        assertThat(complaints(snippets, classes)).isEmpty();
        try (Stream<Path> compiled = Files.list(classes)) {
            assertThat(compiled).hasSameSizeAs(snippets);
        }
    }

    @Test
    void brokenSnippetsAreCaughtAmongGoodOnes(@TempDir Path classes) throws Exception {
        var good = new Snippet("good", "Pool pool = Pools.open(\"threads\");");
        var misspelt = new Snippet("misspelt", "Pool pool = Pools.opn(\"threads\");");
        var raw = new Snippet("raw", "List words = List.of();");
        var unfinished = new Snippet("unfinished", "int i = ");
        assertThat(complaints(List.of(good, misspelt), classes)).singleElement().asString().startsWith("misspelt")
                .contains("opn");
        assertThat(complaints(List.of(good, raw), classes)).singleElement().asString().startsWith("raw")
                .contains("raw type");
        assertThat(complaints(List.of(good, unfinished), classes)).isNotEmpty()
                .allMatch(one -> one.startsWith("unfinished"));
    }

    @Test
    void aSnippetOfTheReadmeHasItsImports(@TempDir Path classes) throws Exception {
        String code = "Pool pool = Pools.open(\"threads\");";
        assertThat(complaints(List.of(new Snippet(README + ":1", "import dev.sennit.*;\n" + code)), classes)).isEmpty();
        assertThat(complaints(List.of(new Snippet(README + ":1", code)), classes))
                .isNotEmpty()
                .allMatch(one -> one.contains("Pool"));
    }

    @Test
    void whatIsMarkedIsNotCompiledAndWhatCannotBeReadIsCaught() {
        Path file = Path.of("nowhere.md");
        assertThat(fenced(file, "<!-- not compiled: later -->\n```java\nnope\n```\n```java\nint i = 1;\n```\n"))
                .containsExactly(new Snippet("nowhere.md:6", "int i = 1;\n"));
        assertThatThrownBy(() -> fenced(file, "```java title=x\nint i = 1;\n```\n")).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> inJavadoc(file, " * {@snippet lang=java :\n * int i = 1;\n * }\n */"))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void aWholeClassIsCompiledAsItIs(@TempDir Path classes) throws Exception {
        String good = "class Greeter {\n    static final Task<String> HELLO = () -> \"hello\";\n}\n";
        String used = "record Named(String name) {}\nNamed named = new Named(\"it\");\n";
        assertThat(complaints(List.of(new Snippet("good", good), new Snippet("used", used)), classes)).isEmpty();
        assertThat(classes.resolve("snippet0/Greeter.class")).exists();
        assertThat(complaints(List.of(new Snippet("nowhere", good.replace("Task<", "Tusk<"))), classes))
                .singleElement().asString().startsWith("nowhere").contains("Tusk");
    }

    @Test
    void everyCommandInTheReadmeExists() throws Exception {
        String help = Files.readString(ROOT.resolve("cli/src/main/java/dev/sennit/cli/Sennit.java"));
        Matcher blocks = Pattern.compile("```sh\\R(.*?)```", Pattern.DOTALL).matcher(Files.readString(README));
        int commands = 0;
        while (blocks.find()) {
            Matcher command = COMMAND.matcher(blocks.group(1));
            while (command.find()) {
                commands++;
                assertThat(ROOT.resolve(command.group(1))).isExecutable();
                if (command.group(2) != null) {
                    String name = command.group(2);
                    String type = Character.toUpperCase(name.charAt(0)) + name.substring(1) + "Command";
                    assertThat(help).as("subcommand %s", name).contains(type);
                }
            }
        }
        assertThat(commands).isGreaterThan(5);
    }
}
