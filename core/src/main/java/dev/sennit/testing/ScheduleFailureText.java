package dev.sennit.testing;

import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The message of a failure: what happened, and how to have it again.
 *
 * @param hint makes the hint how to repeat the schedule of an option; null for that of this class
 * @param stepLimit after how many steps a schedule counts as endless
 * @param given the only schedule, if it was written down
 */
record ScheduleFailureText(@Nullable UnaryOperator<String> hint, int stepLimit, @Nullable Script given) {
    /** A schedule whose text is longer is not printed. */
    private static final int LONGEST_SCHEDULE = 2000;

    /** Returns how the failure was found, and how to have it again. */
    String how(long seed, Exploration seen) {
        if (given == null) {
            return "found after " + seen + "\nto have it again: " + again(ScheduleExplorer.SEED, "" + seed, "" + seed)
                    + '\n';
        }
        return "found under the given schedule, memory points " + (seen.memoryPoints() ? "on" : "off")
                + "\nto have it again: " + again(ScheduleExplorer.SCHEDULE, given.toString(), "\"" + given + '"')
                + '\n';
    }

    private String again(String property, String value, String argument) {
        String option = "-D" + property + '=' + value;
        return hint == null ? option + ", or replay(" + argument + ", body)" : hint.apply(option);
    }

    /** Returns the kind of a failure. */
    static ScheduleFailure.Kind kind(ScheduleRun.Ending ending) {
        return switch (ending) {
            case THREW -> ScheduleFailure.Kind.THREW;
            case EXIT -> ScheduleFailure.Kind.EXIT;
            case DEADLOCK -> ScheduleFailure.Kind.DEADLOCK;
            case STEP_LIMIT -> ScheduleFailure.Kind.STEP_LIMIT;
            case OUTSIDE, REAL_TIME -> ScheduleFailure.Kind.OUTSIDE;
            case DATA_RACE -> ScheduleFailure.Kind.DATA_RACE;
            case PASSED -> throw new AssertionError("it passed");
        };
    }

    /**
     * Returns the text, up to the steps.
     *
     * @param recorded the same schedule, or another if it cannot be repeated
     * @param schedule the schedule as text; null if it has none
     * @param longer the size of the schedule that was found; null if it was not shortened
     */
    String of(
            ScheduleRun run,
            ScheduleRun recorded,
            @Nullable String schedule,
            ScheduleTrace.@Nullable Size longer,
            Exploration seen) {
        var text = new StringBuilder();
        text.append(switch (run.ending()) {
            case THREW -> String.valueOf(run.cause());
            case EXIT -> run.detail();
            case DEADLOCK -> "deadlock: " + run.detail();
            case DATA_RACE -> "data race: " + run.detail();
            case STEP_LIMIT -> "no end after " + stepLimit + " steps: " + loops(recorded.recording().steps());
            case OUTSIDE -> "not only the schedule decides: " + run.detail()
                    + "; start virtual threads in the body, or give it an executor of such" + (VirtualTime.isSet()
                            ? ""
                            : "; with -javaagent:sennit.jar threads of the schedule do the work of the common pool");
            case REAL_TIME -> "not only the schedule decides: " + run.detail()
                    + "; with -javaagent:sennit.jar waits take no time, and realTime(...) lets them take theirs";
            case PASSED -> throw new AssertionError("it passed");
        });
        text.append('\n').append(how(run.seed(), seen));
        if (longer != null && !longer.equals(run.trace().size())) {
            text.append("shortened to ").append(run.trace().size()).append(", from ").append(longer).append('\n');
        }
        if (given == null && schedule != null && schedule.length() <= LONGEST_SCHEDULE) {
            text.append("this schedule alone: ")
                    .append(again(ScheduleExplorer.SCHEDULE, schedule, '"' + schedule + '"'))
                    .append('\n');
        }
        int difference = run.firstDifference(recorded);
        if (difference >= 0) {
            text.append("NOT REPEATABLE: the same ").append(given == null ? "seed" : "text")
                    .append(" gave another schedule, different from step ").append(difference + 1)
                    .append(" on. Something besides the schedule decides what the body does: random "
                            + "numbers, identity hash")
                    .append(" codes, thread ids, the time, or a thread outside. If it is the order of a HashSet of"
                            + " objects without a hash code of their own:"
                            + " -XX:+UnlockExperimentalVMOptions -XX:hashCode=2. The steps of the second run:\n");
        }
        if (!run.pinned().asked().isEmpty()) {
            text.append("the same in every schedule: ")
                    .append(run.pinned().asked().stream().map(Object::toString).collect(Collectors.joining(", ")))
                    .append('\n');
        }
        return text.toString();
    }

    private static String loops(List<Step> steps) {
        Set<String> circling = Livelock.of(steps);
        return circling.isEmpty()
                ? "a loop waits for what does not come, or the limit is too low"
                : "livelock: " + String.join(" and ", circling) + " go on in turn, at the same places again and"
                        + " again, and none gets further";
    }
}
