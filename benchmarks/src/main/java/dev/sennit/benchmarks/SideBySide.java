package dev.sennit.benchmarks;

import dev.sennit.benchmarks.coroutines.CoroutinesExperiment;
import dev.sennit.benchmarks.coroutines.EchoExperiment;
import dev.sennit.benchmarks.coroutines.ParkedExperiment;
import dev.sennit.benchmarks.coroutines.WakeExperiment;
import dev.sennit.benchmarks.corpus.Corpus;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Machine;
import dev.sennit.benchmarks.measure.MarkedBlock;
import dev.sennit.benchmarks.measure.Python;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.pools.EqualExperiment;
import dev.sennit.benchmarks.pools.EventsExperiment;
import dev.sennit.benchmarks.pools.InlineExperiment;
import dev.sennit.benchmarks.pools.LatencyExperiment;
import dev.sennit.benchmarks.pools.PrimesExperiment;
import dev.sennit.benchmarks.pools.StartExperiment;
import dev.sennit.benchmarks.pools.ThreadsExperiment;
import dev.sennit.benchmarks.pools.ThroughputExperiment;
import dev.sennit.benchmarks.processes.CrashExperiment;
import dev.sennit.benchmarks.processes.DriftExperiment;
import dev.sennit.benchmarks.processes.LocksExperiment;
import dev.sennit.benchmarks.processes.ManagerExperiment;
import dev.sennit.benchmarks.processes.MegabyteExperiment;
import dev.sennit.benchmarks.processes.PipesExperiment;
import dev.sennit.benchmarks.queues.GrowthExperiment;
import dev.sennit.benchmarks.queues.QueuesExperiment;
import dev.sennit.benchmarks.schedules.SchedulesExperiment;
import dev.sennit.benchmarks.services.ServicesExperiment;
import dev.sennit.benchmarks.thumbnails.PipelineExperiment;
import dev.sennit.benchmarks.thumbnails.ThumbnailsExperiment;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Measures Sennit and its peers in one run, in turn, and prints Markdown tables of medians and their ratios; see {@code
 * docs/performance.md}.
 *
 * <pre>
 * benchmarks/run [--quick] [--kills N] [--update FILE] [NAME...]
 * benchmarks/run corpus FOLDER [OPTION...]
 * </pre>
 */
public final class SideBySide {
    private static final int FAILED = 1;
    private static final int BAD_USAGE = 2;
    /** What has options of its own, and no peers. */
    private static final String CORPUS = "corpus";

    private static final Map<String, Experiment> EXPERIMENTS = new LinkedHashMap<>();

    static {
        EXPERIMENTS.put("inline", new InlineExperiment());
        EXPERIMENTS.put("primes", new PrimesExperiment());
        EXPERIMENTS.put("equal", new EqualExperiment());
        EXPERIMENTS.put("latency", new LatencyExperiment());
        EXPERIMENTS.put("throughput", new ThroughputExperiment());
        EXPERIMENTS.put("events", new EventsExperiment());
        EXPERIMENTS.put("megabyte", new MegabyteExperiment());
        EXPERIMENTS.put("pipes", new PipesExperiment());
        EXPERIMENTS.put("locks", new LocksExperiment());
        EXPERIMENTS.put("manager", new ManagerExperiment());
        EXPERIMENTS.put("crash", new CrashExperiment());
        EXPERIMENTS.put("start", new StartExperiment());
        EXPERIMENTS.put("services", new ServicesExperiment());
        EXPERIMENTS.put("queues", new QueuesExperiment());
        EXPERIMENTS.put("growth", new GrowthExperiment());
        EXPERIMENTS.put("threads", new ThreadsExperiment());
        EXPERIMENTS.put("coroutines", new CoroutinesExperiment());
        EXPERIMENTS.put("schedules", new SchedulesExperiment());
        EXPERIMENTS.put("parked", new ParkedExperiment());
        EXPERIMENTS.put("wake", new WakeExperiment());
        EXPERIMENTS.put("echo", new EchoExperiment());
        EXPERIMENTS.put("thumbnails", new ThumbnailsExperiment());
        EXPERIMENTS.put("pipeline", new PipelineExperiment());
        EXPERIMENTS.put("drift", new DriftExperiment());
    }

    private final PrintStream out;
    private final PrintStream errors;

    SideBySide(PrintStream out, PrintStream errors) {
        this.out = out;
        this.errors = errors;
    }

    /**
     * Runs the benchmarks that are named, or all.
     *
     * @param arguments see {@code --help}
     */
    public static void main(String[] arguments) {
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.exit(new SideBySide(out, System.err).run(List.of(arguments)));
    }

    static Set<String> names() {
        return EXPERIMENTS.keySet();
    }

    int run(List<String> arguments) {
        try {
            if (!arguments.isEmpty() && arguments.getFirst().equals(CORPUS)) {
                Corpus.run(arguments.subList(1, arguments.size()), out, errors);
                return 0;
            }
            var request = Request.parse(arguments);
            if (request.help()) {
                out.println(usage());
                return 0;
            }
            measure(request);
            return 0;
        } catch (IllegalArgumentException e) {
            errors.println("benchmarks/run: " + e.getMessage());
            return BAD_USAGE;
        } catch (Exception e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            errors.println("benchmarks/run: " + e);
            e.printStackTrace(errors);
            return FAILED;
        }
    }

    private void measure(Request request) throws Exception {
        if (request.page() != null) {
            String page = Files.readString(request.page());
            for (String name : request.chosen()) {
                ensureBlock(request.page(), name, page);
            }
        }
        Optional<Python> python = Python.find();
        Machine machine = Machine.look();
        String about = machine.describe(python);
        out.println(about);
        if (machine.isBusy()) {
            errors.println("benchmarks/run: something else is running on this machine, and the figures will show it");
        }
        notes(request, python).forEach(out::println);
        try (var bench = new Bench(request.quick(), request.kills(), python)) {
            for (String name : request.chosen()) {
                out.println("\n## " + name + "\n");
                Report report = Objects.requireNonNull(EXPERIMENTS.get(name), name).run(bench);
                report.lines().forEach(out::println);
                if (request.page() != null) {
                    update(request.page(), name, block(request, name, about, python, report.lines()));
                    draw(request.page(), report);
                }
            }
        }
    }

    private static List<String> notes(Request request, Optional<Python> python) {
        List<String> notes = new ArrayList<>();
        if (request.quick()) {
            notes.add("A quick run: its figures mean nothing.");
        }
        if (python.isEmpty()) {
            notes.add("Left out for want of python3: every row of Python's.");
            return notes;
        }
        if (!python.get().hasLoky()) {
            notes.add("Left out for want of joblib (apt-get install python3-joblib): the rows of loky.");
        }
        if (!python.get().hasFuturist()) {
            notes.add("Left out for want of futurist (apt-get install python3-futurist): its rows.");
        }
        if (request.chosen().contains("services") && !python.get().hasCotyledon()) {
            notes.add("Left out for want of Cotyledon (apt-get install python3-cotyledon): its columns.");
        }
        return notes;
    }

    private static List<String> block(
            Request request, String name, String about, Optional<Python> python, List<String> lines) {
        List<String> block = new ArrayList<>(lines);
        block.add("");
        block.add("`benchmarks/run " + request.options() + name + "` on " + about + ".");
        block.addAll(notes(request, python));
        return block;
    }

    private static void ensureBlock(Path page, String name, String text) {
        try {
            new MarkedBlock(name).ensureIn(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(page + " has " + e.getMessage(), e);
        }
    }

    /** Reads the page anew: somebody may have written elsewhere in it meanwhile. */
    private static void update(Path page, String name, List<String> lines) throws IOException {
        Files.writeString(page, new MarkedBlock(name).replaceIn(Files.readString(page), lines));
    }

    private static void draw(Path page, Report report) throws IOException {
        for (var picture : report.pictures().entrySet()) {
            Path file = page.toAbsolutePath().resolveSibling(picture.getKey());
            Files.createDirectories(Objects.requireNonNull(file.getParent()));
            Files.writeString(file, picture.getValue());
        }
    }

    private static String usage() {
        return """
                usage: benchmarks/run [--quick] [--kills N] [--update FILE] [NAME...]
                       benchmarks/run corpus FOLDER [OPTION...]: see benchmarks/run corpus --help

                Measures Sennit and its peers in turn and prints medians and their ratios.
                NAME: %s (default: all)
                  --quick        small sizes and two rounds: only to see that it runs
                  --kills N      how often services kills a worker of each kind (default: %d)
                  --update FILE  also put each table between <!-- NAME --> and <!-- /NAME --> in this page,
                                 and its pictures into the folder pictures beside it"""
                .formatted(String.join(", ", names()), Request.KILLS);
    }

    /** What the command line asks for. */
    record Request(Set<String> chosen, boolean quick, int kills, boolean help, @Nullable Path page) {
        private static final int KILLS = 30;

        /** Those that change figures, each with a space after it. */
        String options() {
            return (quick ? "--quick " : "") + (kills == KILLS ? "" : "--kills " + kills + " ");
        }

        static Request parse(List<String> arguments) {
            Set<String> names = new LinkedHashSet<>();
            boolean quick = false;
            int kills = KILLS;
            boolean help = false;
            Path page = null;
            for (Iterator<String> words = arguments.iterator(); words.hasNext();) {
                String word = words.next();
                switch (word) {
                    case "--quick" -> quick = true;
                    case "--help", "-h" -> help = true;
                    case "--kills" -> kills = positive("--kills", words);
                    case "--update" -> {
                        if (!words.hasNext()) {
                            throw new IllegalArgumentException("--update needs a file");
                        }
                        page = Path.of(words.next());
                        if (!Files.isWritable(page)) {
                            throw new IllegalArgumentException("--update: cannot write to " + page);
                        }
                    }
                    default -> {
                        if (!EXPERIMENTS.containsKey(word)) {
                            throw new IllegalArgumentException(
                                    "unknown benchmark \"" + word + "\": expected " + String.join(", ", names()));
                        }
                        names.add(word);
                    }
                }
            }
            return new Request(names.isEmpty() ? names() : names, quick, kills, help, page);
        }

        private static int positive(String option, Iterator<String> words) {
            String word = words.hasNext() ? words.next() : "";
            if (!word.matches("[1-9]\\d{0,5}")) {
                throw new IllegalArgumentException(option + " needs a number from 1, was \"" + word + "\"");
            }
            return Integer.parseInt(word);
        }
    }
}
