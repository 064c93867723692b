package dev.sennit.benchmarks.corpus;

import dev.sennit.benchmarks.corpus.Sources.Compiled;
import dev.sennit.benchmarks.measure.AgentJar;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Report;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The command {@code benchmarks/run corpus}: see {@code docs/finding-bugs.md}. */
public final class Corpus {
    private final CorpusRequest request;
    private final PrintStream out;
    private final PrintStream errors;
    /** For rewritten sources, classes and output. */
    private final Path folder;

    private Corpus(CorpusRequest request, PrintStream out, PrintStream errors, Path folder) {
        this.request = request;
        this.out = out;
        this.errors = errors;
        this.folder = folder;
    }

    /**
     * Explores the programs that the arguments name, and prints the table.
     *
     * @throws IllegalArgumentException if the arguments are wrong
     */
    public static void run(List<String> arguments, PrintStream out, PrintStream errors)
            throws IOException, InterruptedException {
        if (arguments.contains("--help") || arguments.contains("-h")) {
            out.println(CorpusRequest.USAGE);
            return;
        }
        CorpusRequest request = CorpusRequest.parse(arguments);
        Path folder = Files.createTempDirectory("sennit-corpus-");
        try {
            new Corpus(request, out, errors, folder).run();
        } finally {
            delete(folder);
        }
    }

    private void run() throws IOException, InterruptedException {
        Sources sources =
                Sources.in(request.folder(), path(request.classPath(), System.getProperty("java.class.path")));
        if (sources.isEmpty()) {
            throw new IllegalArgumentException("corpus: there are no Java sources in " + request.folder());
        }
        Path scheduled = Files.createDirectory(folder.resolve("scheduled"));
        tell(sources.withVirtualThreads(folder.resolve("rewritten")).compile(scheduled), "");
        Path plain = Files.createDirectory(folder.resolve("plain"));
        if (request.plain() > 0) {
            tell(sources.compile(plain), " plainly");
        }
        Compiled compiled = Compiled.in(scheduled);
        List<String> programs = compiled.mains().stream().filter(request::isWanted).toList();
        if (programs.isEmpty()) {
            throw new IllegalArgumentException(
                    "corpus: no class with a main method is called " + request.classes() + " in " + request.folder());
        }
        var table = new MarkdownTable(header());
        List<CorpusRow> rows = new ArrayList<>();
        Path agent = AgentJar.write(folder.resolve("agent.jar"));
        int shared = sharedBeginning(programs);
        for (String program : programs) {
            var row = new CorpusRow(program.substring(shared), request.replays());
            explore(program, scheduled, agent, compiled.prefixes()).forEach(row::explored);
            if (request.plain() > 0) {
                row.ranPlainly(runPlainly(program, plain, compiled.prefixes()).getLast());
            }
            rows.add(row);
            table.add(row.cells(request.plain() > 0));
            errors.println("benchmarks/run: " + rows.size() + " of " + programs.size() + ": "
                    + String.join(", ", row.cells(request.plain() > 0)));
        }
        new Report().add(title(), table).paragraph(summary(rows)).lines().forEach(out::println);
    }

    private void tell(Map<String, String> leftOut, String how) {
        leftOut.forEach((file, error) -> errors
                .println("benchmarks/run: left out, as it does not compile" + how + ": " + file + ":" + error));
    }

    private List<String> header() {
        List<String> header = new ArrayList<>(List.of("program", "failure",
                "schedules" + (request.firstSeeds().size() > 1 ? ", median / worst" : ""), "the same again"));
        if (request.plain() > 0) {
            header.add("plain runs that fail");
        }
        return header;
    }

    private String title() {
        int seeds = request.firstSeeds().size();
        return request.strategy() + ", at most " + request.schedules() + " schedules"
                + (seeds > 1 ? ", " + seeds + " first seeds" : "");
    }

    private static String summary(List<CorpusRow> rows) {
        long always = rows.stream().filter(CorpusRow::isFoundAlways).count();
        long sometimes = rows.stream().filter(CorpusRow::isFound).count() - always;
        long passed = rows.stream().filter(CorpusRow::isPassed).count();
        return "%d programs: %d fail in each exploration, %d in some, %d pass, %d have no result".formatted(
                rows.size(), always, sometimes, passed, rows.size() - always - sometimes - passed);
    }

    private List<String> explore(String program, Path classes, Path agent, Set<String> own)
            throws IOException, InterruptedException {
        Set<String> prefixes = new TreeSet<>(own);
        if (!request.points().isEmpty()) {
            prefixes.addAll(List.of(request.points().split(",")));
        }
        String points = String.join(",", prefixes);
        List<String> words = new ArrayList<>(List.of(ExploringMain.class.getName(), program, points,
                String.valueOf(request.schedules()), request.strategy().name(), String.valueOf(request.replays())));
        request.firstSeeds().forEach(seed -> words.add(String.valueOf(seed)));
        return CorpusJvm.answers(
                folder, classPath(classes), List.of("-javaagent:" + agent + '=' + points), words, request.timeout());
    }

    private List<String> runPlainly(String program, Path classes, Set<String> prefixes)
            throws IOException, InterruptedException {
        return CorpusJvm.answers(
                folder,
                classPath(classes),
                List.of(),
                List.of(PlainMain.class.getName(), program, String.join(",", prefixes),
                        String.valueOf(request.plain()), String.valueOf(request.plainSeconds())),
                request.plainSeconds() + (long) request.timeout());
    }

    private String classPath(Path classes) {
        return path(System.getProperty("java.class.path"), classes.toString(), request.classPath());
    }

    private static String path(String... parts) {
        return String.join(File.pathSeparator, Stream.of(parts).filter(part -> !part.isEmpty()).toList());
    }

    /** How long the packages are that all names begin with. */
    private static int sharedBeginning(List<String> names) {
        String first = names.getFirst();
        int shared = first.lastIndexOf('.') + 1;
        while (shared > 0) {
            String beginning = first.substring(0, shared);
            if (names.stream().allMatch(name -> name.startsWith(beginning))) {
                return shared;
            }
            shared = first.lastIndexOf('.', shared - 2) + 1;
        }
        return 0;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
