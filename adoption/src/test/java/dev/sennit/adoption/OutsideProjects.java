package dev.sennit.adoption;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The projects of {@code src/test/projects}, as their users have them: each on its own, with Sennit from a repository.
 *
 * <h2>Sources</h2>
 * A folder there is a project. Its file {@code parts} names what it shares with others: folders of
 * {@code projects/parts}, copied into it. A project without a {@code pom.xml} gets {@code sennit.jar} beside its files.
 *
 * <h2>Build</h2>
 * All are built by one Maven, as modules of an aggregator that they know nothing of: that saves the start of a JVM and
 * of each plugin for each of them. One that fails does not keep the others from being built. Scripts ({@code *.sh}) are
 * what a user would type then.
 *
 * <h2>Repository</h2>
 * Sennit comes from a repository of this build alone, in {@code target}. The rest of that repository is the user's own,
 * by links, so that nothing is downloaded twice.
 *
 * <h2>All of it</h2>
 * With {@code -Dsennit.adoption=full} the repository is empty but for Sennit, so that all else is downloaded, and the
 * projects that take longest are built, too. Their tests are marked with {@link InFull}.
 */
final class OutsideProjects {
    private static final Path SOURCES = Path.of("src/test/projects");
    private static final Path TARGET = Path.of("target/outside").toAbsolutePath();
    private static final Path PROJECTS = TARGET.resolve("projects");
    private static final Path LOG = TARGET.resolve("build");
    private static final boolean FULL = "full".equals(System.getProperty(InFull.PROPERTY));
    /** Projects of which all tests are {@link InFull}. */
    private static final Set<String> SLOW = Set.of("kotlin", "scala", "spring-boot-3");
    private static final Path REPOSITORY = TARGET.resolve(FULL ? "empty-repository" : "repository");
    private static final Path JDK = Path.of(System.getProperty("java.home"));

    private static final long BUILD_SECONDS = FULL ? 1200 : 600; // on a new machine, all is downloaded
    private static final long SCRIPT_SECONDS = 90;

    private static final Pattern OUTCOME =
            Pattern.compile("^\\[INFO] (\\S+) 1\\.0 \\.+ (SUCCESS|FAILURE|SKIPPED).*", Pattern.MULTILINE);
    private static final Pattern BEGINNING = Pattern.compile("^\\[INFO] Building (\\S+) 1\\.0 .*", Pattern.MULTILINE);
    private static final Pattern TESTS = Pattern.compile("<testsuite [^>]*?\\btests=\"(\\d+)\"");

    /** What a program has printed, and how it ended. */
    record Ended(int exitCode, String output, String errors) {}

    private static @Nullable String log;

    private OutsideProjects() {}

    /** Runs a project's script in its folder, once all projects have been built. */
    static Ended run(String project, String script) throws Exception {
        if (Files.exists(SOURCES.resolve(project).resolve("pom.xml"))) {
            ensureBuilt(project);
        } else {
            log();
        }
        Path folder = PROJECTS.resolve(project);
        return start(List.of("sh", "-eu", script), folder, folder.resolve(script), SCRIPT_SECONDS);
    }

    /** How many tests a project has passed while it was built. */
    static int testsOf(String project) throws Exception {
        ensureBuilt(project);
        int tests = 0;
        try (Stream<Path> reports = Files.list(PROJECTS.resolve(project).resolve("target/surefire-reports"))) {
            for (Path report : reports.filter(file -> file.toString().endsWith(".xml")).toList()) {
                Matcher suite = TESTS.matcher(Files.readString(report));
                assertThat(suite.find()).as("a suite in %s", report).isTrue();
                tests += Integer.parseInt(suite.group(1));
            }
        }
        return tests;
    }

    private static void ensureBuilt(String project) throws Exception {
        Matcher outcomes = OUTCOME.matcher(log());
        String outcome = outcomes.results().filter(found -> found.group(1).equals(project)).map(found -> found.group(2))
                .findFirst().orElse("NOT BUILT");
        assertThat(outcome).as("the build of %s: %s", project, partOf(project)).isEqualTo("SUCCESS");
    }

    /** What Maven said while it built a project; its errors, if it did not come to that. */
    private static String partOf(String project) throws Exception {
        String said = log();
        Matcher beginning = BEGINNING.matcher(said);
        while (beginning.find()) {
            if (beginning.group(1).equals(project)) {
                String rest = said.substring(beginning.start());
                int end = beginning.find() ? beginning.start() : said.length();
                return said.substring(said.length() - rest.length(), end) + errorsIn(rest, "project " + project + ":");
            }
        }
        return errorsIn(said, "") + " (all of it is in " + LOG + ".out)";
    }

    private static String errorsIn(String said, String word) {
        return said.lines()
                .filter(line -> line.startsWith("[ERROR]") && line.contains(word))
                .reduce("", (all, line) -> all + line + "\n");
    }

    /** What Maven said. The first call builds; if that fails, the others do not try again. */
    private static synchronized String log() throws Exception {
        String said = log;
        if (said == null) {
            log = "[ERROR] the build did not end";
            said = build();
            log = said;
        }
        return said;
    }

    private static String build() throws Exception {
        delete(PROJECTS);
        Files.createDirectories(PROJECTS);
        fillRepository();
        List<String> modules = new ArrayList<>();
        for (Path source : projects()) {
            Path project = PROJECTS.resolve(source.getFileName());
            for (String part : parts(source)) {
                copy(SOURCES.resolve("parts").resolve(part), project);
            }
            copy(source, project);
            if (!Files.exists(project.resolve("pom.xml"))) {
                Files.copy(library(), project.resolve("sennit.jar"));
            } else if (FULL || !SLOW.contains(source.getFileName().toString())) {
                modules.add(source.getFileName().toString());
            }
        }
        Files.createDirectories(PROJECTS.resolve(".mvn")); // else Maven finds ours, further up
        Files.writeString(PROJECTS.resolve("pom.xml"), aggregator(modules));
        List<String> command = List.of(
                Path.of(System.getProperty("sennit.adoption.maven"), "bin", "mvn").toString(),
                "-B", "-ntp", "--fail-at-end", "-Dstyle.color=never", "-Dmaven.repo.local=" + REPOSITORY, "package");
        Ended ended = start(command, PROJECTS, LOG, BUILD_SECONDS);
        return ended.output() + ended.errors();
    }

    static List<Path> projects() throws IOException {
        try (Stream<Path> folders = Files.list(SOURCES)) {
            return folders.filter(folder -> !folder.endsWith("parts")).sorted().toList();
        }
    }

    private static List<String> parts(Path source) throws IOException {
        Path parts = source.resolve("parts");
        return Files.exists(parts) ? List.of(Files.readString(parts).strip().split("\\s+")) : List.of();
    }

    private static String aggregator(List<String> modules) {
        String all = modules.stream().map(module -> "<module>" + module + "</module>\n").reduce("", String::concat);
        return """
                <project>
                  <modelVersion>4.0.0</modelVersion>
                  <groupId>outside</groupId><artifactId>outside</artifactId><version>1</version>
                  <packaging>pom</packaging>
                  <modules>
                %s</modules>
                </project>
                """.formatted(all);
    }

    /** Sennit's artifacts are this build's; what else there is, is linked. */
    private static void fillRepository() throws IOException {
        delete(REPOSITORY);
        Files.createDirectories(REPOSITORY);
        if (!FULL) {
            link(Path.of(System.getProperty("sennit.adoption.repository")), Path.of(""));
        }
        copy(installed(), REPOSITORY);
    }

    /** Links what is in a folder of the user's repository, but for Sennit: folders on the way to that are made. */
    private static void link(Path repository, Path folder) throws IOException {
        Path own = Path.of("dev", "sennit");
        if (!Files.isDirectory(repository.resolve(folder))) {
            return;
        }
        try (Stream<Path> entries = Files.list(repository.resolve(folder))) {
            for (Path entry : entries.toList()) {
                Path relative = repository.relativize(entry);
                if (own.equals(relative)) {
                    continue;
                } else if (own.startsWith(relative)) {
                    Files.createDirectories(REPOSITORY.resolve(relative));
                    link(repository, relative);
                } else {
                    Files.createSymbolicLink(REPOSITORY.resolve(relative), entry);
                }
            }
        }
    }

    private static Path installed() {
        return Path.of(System.getProperty("sennit.adoption.installed"));
    }

    private static Path library() throws IOException {
        try (Stream<Path> files = Files.walk(installed().resolve("dev/sennit/sennit"))) {
            return files.filter(file -> file.toString().endsWith(".jar")).findFirst().orElseThrow();
        }
    }

    /** Runs a program to its end; what it prints goes to files that stay, beside the given one. */
    private static Ended start(List<String> command, Path folder, Path files, long seconds) throws Exception {
        Path output = files.resolveSibling(files.getFileName() + ".out");
        Path errors = files.resolveSibling(files.getFileName() + ".err");
        var builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile());
        Map<String, String> environment = builder.environment();
        environment.keySet().removeAll(
                List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "MAVEN_ARGS"));
        environment.put("JAVA_HOME", JDK.toString());
        environment.put("PATH", JDK.resolve("bin") + ":" + environment.getOrDefault("PATH", "/usr/bin:/bin"));
        environment.merge("MAVEN_OPTS", "-XX:TieredStopAtLevel=1", (users, own) -> users + " " + own); // a proxy, say
        environment.put("XDG_CACHE_HOME", TARGET.resolve("cache").toString());
        Process process = builder.start();
        try {
            boolean ended = process.waitFor(seconds, SECONDS);
            assertThat(ended)
                    .as("%s has ended within %s s; it printed: %s%s", command, seconds, read(output), read(errors))
                    .isTrue();
            return new Ended(process.exitValue(), read(output), read(errors));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            files.forEach(file -> {
                try {
                    Path copy = to.resolve(from.relativize(file).toString());
                    if (Files.isDirectory(file)) {
                        Files.createDirectories(copy);
                    } else {
                        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    /** Links are deleted, and never followed. */
    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, IOException failure) throws IOException {
                Files.delete(folder);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
