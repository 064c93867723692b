package dev.sennit.benchmarks.schedules;

import dev.sennit.benchmarks.measure.AgentJar;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.benchmarks.measure.Samples;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * How many schedules a second the explorer runs of four broken programs, and how many of them fail: the two that wait,
 * in this JVM; the two that do not, in one with the agent.
 */
public final class SchedulesExperiment implements Experiment {
    private static final int AIM = 20_000;

    @Override
    public Report run(Bench bench) throws Exception {
        int schedules = bench.size(10_000, 20);
        try (var agent = new WithAgent(bench.newFile("schedules-agent.jar"))) {
            var contest = new Rounds();
            for (ScheduleBug bug : ScheduleBug.values()) {
                contest.add(
                        bug.name(),
                        bench.size(4, 1),
                        bench.size(9, 1),
                        () -> bug.wantsMemoryPoints() ? agent.measure(bug, schedules) : bug.measure(schedules));
            }
            Map<String, List<double[]>> measured = contest.run();

            var report = new Report();
            var table = new MarkdownTable(List.of(schedules + " schedules", "schedules", "min - max", "fail"));
            for (ScheduleBug bug : ScheduleBug.values()) {
                Samples seconds = of(measured, bug, 0);
                double failed = of(measured, bug, 1).median();
                table.add(List.of(
                        bug.title() + (bug.wantsMemoryPoints() ? ", with the agent" : ""),
                        Figures.rate(schedules / seconds.median()),
                        Figures.rate(schedules / seconds.most()) + " - " + Figures.rate(schedules / seconds.least()),
                        Math.round(100 * failed / schedules) + " %"));
            }
            report.add("Schedules of broken programs", table);
            for (ScheduleBug bug : ScheduleBug.values()) {
                double rate = schedules / of(measured, bug, 0).median();
                report.aim(bug.title() + " >= " + AIM + " schedules a second", Figures.rate(rate), rate >= AIM);
            }
            return report;
        }
    }

    private static Samples of(Map<String, List<double[]>> measured, ScheduleBug bug, int figure) {
        List<double[]> rounds = measured.getOrDefault(bug.name(), List.of());
        return new Samples(rounds.stream().mapToDouble(round -> round[figure]).toArray());
    }

    /** The other JVM: a line there asks for a measurement, a line back has it. */
    private static final class WithAgent implements AutoCloseable {
        private final Process process;
        private final Writer out;
        private final BufferedReader in;

        WithAgent(Path jar) throws IOException {
            AgentJar.write(jar);
            process = new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-javaagent:" + jar + '=' + ScheduleBug.class.getName(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    ScheduleBug.class.getName())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            out = process.outputWriter(StandardCharsets.UTF_8);
            in = process.inputReader(StandardCharsets.UTF_8);
        }

        double[] measure(ScheduleBug bug, int schedules) throws IOException {
            out.write(bug.name() + ' ' + schedules + '\n');
            out.flush();
            String line = in.readLine();
            if (line == null) {
                throw new IOException("the JVM with the agent ended; its own words are above");
            }
            return Arrays.stream(line.split(" ")).mapToDouble(Double::parseDouble).toArray();
        }

        @Override
        public void close() throws IOException {
            out.close();
            process.destroy();
        }
    }
}
