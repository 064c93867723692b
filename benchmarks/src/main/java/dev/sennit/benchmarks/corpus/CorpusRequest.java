package dev.sennit.benchmarks.corpus;

import dev.sennit.testing.Strategy;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * The options of the command line.
 *
 * @param folder the sources
 * @param seeds how many explorations of each program
 * @param schedules the most of an exploration
 * @param replays how often the failure of an exploration is run again
 * @param classes a pattern of the names of classes with main methods
 * @param timeout seconds for each JVM
 * @param plain how often each program is run plainly, too
 * @param plainSeconds after so many, there are no more plain runs of a program
 * @param classPath what the programs need
 * @param points prefixes of the names of more classes with memory points, separated by commas
 */
record CorpusRequest(
        Path folder,
        Strategy strategy,
        int seeds,
        int schedules,
        int replays,
        String classes,
        int timeout,
        int plain,
        int plainSeconds,
        String classPath,
        String points) {
    private static final Set<String> OPTIONS = Set.of("--strategy", "--seeds", "--schedules", "--replays", "--classes",
            "--timeout", "--plain", "--plain-seconds", "--class-path", "--points");

    static final String USAGE =
            """
            usage: benchmarks/run corpus FOLDER [OPTION...]

            Compiles programs of others, with virtual threads in the place of their platform threads, runs each under
            chosen schedules, in JVMs of its own, and prints after how many schedules it fails.
            FOLDER: their Java sources; every class with a main method is a program
              --strategy NAME      how threads are picked (default: PORTFOLIO)
              --seeds N            explorations of each program: from seeds 1, 100001, 200001 ... (default: 5);
                                   EXHAUSTIVE has no seeds, and explores once
              --schedules N        the most schedules of an exploration (default: 10000)
              --replays N          how often the first failure of each exploration is run again (default: 10)
              --classes PATTERN    only programs whose class has such a name, as *.cs.*Bad
              --timeout SECONDS    for the explorations of a program (default: 300): one that exceeds it is told as HANG
              --plain N            also run each program so often as it is, with real threads (at most 1000000)
              --plain-seconds N    no more plain runs of a program after so many seconds (default: 60)
              --class-path PATH    jars that the programs need
              --points PREFIXES    classes of these jars that get memory points, too, as com.acme.,org.acme.""";

    static CorpusRequest parse(List<String> arguments) {
        Map<String, String> given = new HashMap<>();
        Path folder = null;
        for (Iterator<String> words = arguments.iterator(); words.hasNext();) {
            String word = words.next();
            if (OPTIONS.contains(word)) {
                given.put(word, words.hasNext() ? words.next() : "");
            } else if (word.startsWith("-")) {
                throw new IllegalArgumentException("corpus: unknown option \"" + word + "\"");
            } else if (folder != null) {
                throw new IllegalArgumentException("corpus needs one folder, and got \"" + word + "\" too");
            } else {
                folder = Path.of(word);
            }
        }
        if (folder == null) {
            throw new IllegalArgumentException("corpus needs a folder with Java sources");
        }
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException("corpus: there is no folder " + folder);
        }
        return new CorpusRequest(
                folder,
                strategy(given.getOrDefault("--strategy", Strategy.PORTFOLIO.name())),
                number(given, "--seeds", 5),
                number(given, "--schedules", 10_000),
                number(given, "--replays", 10),
                given.getOrDefault("--classes", "*"),
                number(given, "--timeout", 300),
                given.containsKey("--plain") ? number(given, "--plain", 0) : 0,
                number(given, "--plain-seconds", 60),
                given.getOrDefault("--class-path", ""),
                given.getOrDefault("--points", ""));
    }

    private static int number(Map<String, String> given, String option, int otherwise) {
        String word = given.getOrDefault(option, String.valueOf(otherwise));
        if (!word.matches("[1-9]\\d{0,5}|1000000")) {
            throw new IllegalArgumentException(option + " needs a number from 1 to 1000000, was \"" + word + "\"");
        }
        return Integer.parseInt(word);
    }

    private static Strategy strategy(String name) {
        return Arrays.stream(Strategy.values())
                .filter(strategy -> strategy.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown strategy \"" + name + "\": expected "
                        + String.join(", ", Arrays.stream(Strategy.values()).map(Strategy::name).toList())));
    }

    boolean isWanted(String main) {
        return FileSystems.getDefault().getPathMatcher("glob:" + classes).matches(Path.of(main));
    }

    /** The first seeds of the explorations. */
    List<Long> firstSeeds() {
        int count = strategy == Strategy.EXHAUSTIVE ? 1 : seeds;
        return LongStream.range(0, count).map(i -> i * 100_000 + 1).boxed().toList();
    }
}
