package dev.sennit.examples.pipelines;

import dev.sennit.Pipeline;
import dev.sennit.PipelineStatistics;
import dev.sennit.Pool;
import dev.sennit.Pools;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Texts that are fetched, four at once, and whose words are counted, on another pool; one of them is not there. */
public final class WordsInStages {
    private static final List<String> TEXTS =
            List.of("a rose is a rose is a rose", "", "the rose is red", "is it a rose or is it red");

    private WordsInStages() {}

    /** Waits, as a download does. */
    static byte[] fetch(String text) throws Exception {
        Thread.sleep(10);
        if (text.isEmpty()) {
            throw new java.io.FileNotFoundException("no text");
        }
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Computes, as a resize does. */
    static Map<String, Long> count(byte[] text) {
        return Pattern.compile(" ")
                .splitAsStream(new String(text, StandardCharsets.UTF_8))
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
    }

    public static void main(String[] arguments) throws Exception {
        var total = new TreeMap<String, Long>();
        try (Pool downloads = Pools.open("virtual:4");
                Pool counters = Pools.open(arguments.length > 0 ? arguments[0] : "threads:2")) {
            PipelineStatistics seen = Pipeline.from(TEXTS)
                    .through("fetch", downloads, WordsInStages::fetch)
                    .through("count", counters, WordsInStages::count, stage -> stage.ahead(8))
                    .collectingFailures(failure -> System.out.println(
                            "item " + failure.index() + ": " + failure.cause().getMessage()))
                    .run(words -> words.forEach((word, times) -> total.merge(word, times, Long::sum)))
                    .statistics();
            System.out.println(total);
            System.out.println(seen.in() + " in, " + seen.out() + " out, " + seen.failed() + " failed in "
                    + seen.stages().stream().filter(stage -> stage.failed() > 0).findFirst().orElseThrow().name());
        }
    }
}
