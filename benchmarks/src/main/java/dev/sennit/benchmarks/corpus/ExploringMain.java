package dev.sennit.benchmarks.corpus;

import dev.sennit.testing.Exploration;
import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.ScheduleFailure;
import dev.sennit.testing.Strategy;
import java.util.List;

/** In a JVM of its own, with the agent: explores one program from each of some seeds. */
final class ExploringMain {
    private final Program program;
    private final int replays;

    private ExploringMain(Program program, int replays) {
        this.program = program;
        this.replays = replays;
    }

    /**
     * Answers in a line for each seed: {@code FOUND}, the kind, the schedules, and how many of the replays gave the
     * same failure; or {@code NONE}, the schedules, and whether these were all.
     *
     * @param arguments the class with the main method, prefixes, schedules, the strategy, replays, and the first seeds
     */
    public static void main(String[] arguments) {
        var program = new Program(arguments[0], arguments[1]);
        ScheduleExplorer explorer = ScheduleExplorer.of(Integer.parseInt(arguments[2]))
                .strategy(Strategy.valueOf(arguments[3]));
        var exploring = new ExploringMain(program, Integer.parseInt(arguments[4]));
        for (String seed : List.of(arguments).subList(5, arguments.length)) {
            program.answer(exploring.explore(explorer.seed(Long.parseLong(seed))));
        }
        program.end();
    }

    private String explore(ScheduleExplorer explorer) {
        try {
            Exploration seen = explorer.explore(program::run);
            return "NONE " + seen.schedules() + ' ' + seen.isComplete();
        } catch (ScheduleFailure found) {
            int same = 0;
            for (int i = 0; i < replays; i++) {
                same += isSameAgain(found, explorer) ? 1 : 0;
            }
            Exploration seen = found.exploration();
            return "FOUND " + found.kind() + ' ' + (seen == null ? 0 : seen.schedules()) + ' ' + same;
        } catch (RuntimeException | Error e) {
            return "ERROR " + e;
        }
    }

    private boolean isSameAgain(ScheduleFailure found, ScheduleExplorer explorer) {
        try {
            explorer.replay(found.seed(), program::run);
            return false;
        } catch (ScheduleFailure again) {
            return again.kind() == found.kind() && causeOf(again).equals(causeOf(found));
        }
    }

    /** By name: the class itself is loaded anew each time. */
    private static String causeOf(ScheduleFailure failure) {
        return failure.getCause() == null ? "" : failure.getCause().getClass().getName();
    }
}
