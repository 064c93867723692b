package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Runs a test body of ordinary concurrent code under many schedules, and says under which it fails.
 *
 * {@snippet :
 * import dev.sennit.testing.*;
 * import java.util.concurrent.locks.ReentrantLock;
 *
 * Exploration seen = ScheduleExplorer.of(1000).explore(() -> {
 *     var lock = new ReentrantLock();
 *     var counted = new int[1];
 *     Runnable count = () -> {
 *         lock.lock();
 *         try {
 *             int read = counted[0];
 *             Thread.yield();
 *             counted[0] = read + 1;
 *         } finally {
 *             lock.unlock();
 *         }
 *     };
 *     Thread one = Thread.startVirtualThread(count);
 *     Thread other = Thread.startVirtualThread(count);
 *     one.join();
 *     other.join();
 *     if (counted[0] != 2) {
 *         throw new AssertionError("counted " + counted[0]);
 *     }
 * });
 * System.out.println(seen.schedules());
 * }
 *
 * <p>The body runs in a virtual thread, once for each schedule: it makes what it works on anew, starts virtual threads, joins
 * them and checks. All of them run on the calling platform thread, one at a time. Who goes on when one waits, yields or ends is
 * picked by the {@link Strategy}, from a seed: the same seed picks the same again. With the agent ({@link MemoryPoints}) others
 * may go on between any two accesses to memory, too; without it a thread that does not wait is not interrupted.
 *
 * <p><b>What it finds</b>, as a {@link ScheduleFailure}: what the body or one of its threads throws and nobody catches;
 * deadlocks and lost wake-ups; schedules that do not end; with the agent lost updates and checks that no longer hold when they
 * are acted upon. Before it is reported the schedule is run once more: to record it, and to see that it comes out the same.
 *
 * <p><b>What it cannot find</b>
 * <ul>
 *   <li>What comes of a memory model that is weaker than one access after the other: a missing {@code volatile}.
 *   <li>Anything in threads that are not of the schedule: platform threads, the common pool (parallel streams, the
 *       {@code Async} methods of {@code CompletableFuture} without an executor), virtual threads of others, sockets.
 *       If one of these makes a thread of the schedule go on, that is reported as a failure.
 *   <li>Loops that wait without waiting: without the agent, {@code while (!flag) {}} hangs the test.
 * </ul>
 *
 * <p><b>Time</b> Code takes none: when nobody can go on, the clock of the schedule goes to the end of the next timed wait, so
 * those end in the order of their lengths, however slow the machine. Each lasts as long as it says, as the JDK looks at the
 * real clock; so does code under test that asks for {@code System.nanoTime()}. Keep them short.
 *
 * <p>Immutable; each method that changes a setting returns a new one. It wants the option
 * {@code --add-opens java.base/java.lang=dev.sennit} ({@code =ALL-UNNAMED} on the class path). The caller should hold no
 * monitor that the body enters: on its platform thread that would be no obstacle.
 */
public final class ScheduleExplorer {
    private static final String SEED = "sennit.seed";
    private static final int MOST_STEPS_TOLD = 200;

    private final int schedules;
    private final long firstSeed;
    private final Strategy strategy;
    private final int depth;
    private final int stepLimit;
    /** How to run the test alone, up to the seed. */
    private final String command;

    /** What is run under each schedule. */
    @FunctionalInterface
    public interface Body {
        /**
         * Starts threads, joins them, checks.
         *
         * @throws Throwable if the check fails, or anything else is wrong
         */
        void run() throws Throwable;
    }

    private ScheduleExplorer(int schedules, long firstSeed, Strategy strategy, int depth, int stepLimit, String command) {
        this.schedules = schedules;
        this.firstSeed = firstSeed;
        this.strategy = strategy;
        this.depth = depth;
        this.stepLimit = stepLimit;
        this.command = command;
    }

    /**
     * Looks at so many schedules: {@link Strategy#RANDOM}, from seed 1 on, of up to 100,000 steps, until told otherwise.
     *
     * @param schedules how many
     * @return an explorer
     * @throws IllegalArgumentException if it is less than 1
     */
    public static ScheduleExplorer of(int schedules) {
        return new ScheduleExplorer(atLeast("schedules", 1, schedules), 1, Strategy.RANDOM, 3, 100_000, "");
    }

    private static int atLeast(String name, int least, int value) {
        if (value < least) {
            throw new IllegalArgumentException(name + " must be >= " + least + ", was " + value);
        }
        return value;
    }

    /**
     * Begins with another seed.
     *
     * @param first the seed of the first schedule
     * @return an explorer that differs in this
     */
    public ScheduleExplorer seed(long first) {
        return new ScheduleExplorer(schedules, first, strategy, depth, stepLimit, command);
    }

    /**
     * Picks threads by {@link Strategy#PCT}.
     *
     * @param bugDepth how many things have to happen in a certain order for the bugs that are looked for; 2 or 3 for most
     * @return an explorer that differs in this
     * @throws IllegalArgumentException if it is less than 1
     */
    public ScheduleExplorer pct(int bugDepth) {
        return new ScheduleExplorer(
                schedules, firstSeed, Strategy.PCT, atLeast("depth", 1, bugDepth), stepLimit, command);
    }

    /**
     * Takes a schedule with more steps than this for one that does not end.
     *
     * @param most how many; each memory point that a thread comes to counts, too
     * @return an explorer that differs in this
     * @throws IllegalArgumentException if it is less than 1
     */
    public ScheduleExplorer stepLimit(int most) {
        return new ScheduleExplorer(schedules, firstSeed, strategy, depth, atLeast("stepLimit", 1, most), command);
    }

    /** Says in failures how to run the test alone. */
    ScheduleExplorer command(String line) {
        return new ScheduleExplorer(schedules, firstSeed, strategy, depth, stepLimit, line);
    }

    /**
     * Runs the body under each schedule, until one fails. With {@code -Dsennit.seed=N}, under that one alone.
     *
     * @param body run once more before, so that what is done once in a JVM is done, and once or twice after
     * @return what was looked at, if all went well
     * @throws ScheduleFailure with the first schedule that failed
     * @throws IllegalStateException if virtual threads cannot have a scheduler of their own in this JVM, or the caller is a
     *     virtual thread
     */
    public Exploration explore(Body body) {
        Long given = Long.getLong(SEED);
        return given == null ? explore(body, firstSeed, schedules, false) : replay(given, body);
    }

    /**
     * Runs the body under one schedule.
     *
     * @param seed of which
     * @param body as for {@link #explore}
     * @return what was looked at, if it went well
     * @throws ScheduleFailure if it failed
     */
    public Exploration replay(long seed, Body body) {
        return explore(body, seed, 1, true);
    }

    private Exploration explore(Body body, long first, int count, boolean asItIs) {
        if (Thread.currentThread().isVirtual()) {
            throw new IllegalStateException("an exploration wants a platform thread, and this is a virtual one");
        }
        if (!OwnScheduler.isAvailable()) {
            throw new IllegalStateException("schedules cannot be explored here: " + OwnScheduler.whyNotAvailable());
        }
        try (var _ = UncaughtFailures.taken()) {
            Set<Long> distinct = new HashSet<>();
            ScheduleRun run = run(first, body, false);
            int decisions = run.decisions();
            long seed = first;
            for (int i = 0; i < count; i++) {
                seed = asItIs ? first : Chooser.seed(strategy, first, i, decisions);
                run = run(seed, body, false);
                distinct.add(run.hash());
                decisions = Math.max(decisions, run.decisions());
                if (run.ending() != ScheduleRun.Ending.PASSED) {
                    ScheduleRun again = run(seed, body, true);
                    if (run.blamesCommonPool() && again.ending() == ScheduleRun.Ending.PASSED) {
                        run = again; // it was somebody else who used that pool
                        continue;
                    }
                    throw failure(seed, run, again, seen(i + 1, distinct, first, run.firstDifference(again) < 0));
                }
            }
            return seen(count, distinct, first, run.firstDifference(run(seed, body, false)) < 0);
        }
    }

    private ScheduleRun run(long seed, Body body, boolean recording) {
        var run = new ScheduleRun(Chooser.of(strategy, depth, seed), stepLimit, recording);
        run.run(body);
        return run;
    }

    private Exploration seen(int count, Set<Long> distinct, long first, boolean repeatable) {
        return new Exploration(
                count, distinct.size(), strategy, first, MemoryPoints.areSet(), repeatable);
    }

    // ---- what a failure says ----

    private ScheduleFailure failure(long seed, ScheduleRun run, ScheduleRun again, Exploration seen) {
        ScheduleFailure.Kind kind = switch (run.ending()) {
            case THREW -> ScheduleFailure.Kind.THREW;
            case DEADLOCK -> ScheduleFailure.Kind.DEADLOCK;
            case STEP_LIMIT -> ScheduleFailure.Kind.STEP_LIMIT;
            case OUTSIDE -> ScheduleFailure.Kind.OUTSIDE;
            case PASSED -> throw new AssertionError("it passed");
        };
        var text = new StringBuilder();
        text.append(switch (kind) {
            case THREW -> String.valueOf(run.cause());
            case DEADLOCK -> "deadlock: no thread can go on, " + run.detail();
            case STEP_LIMIT -> "no end after " + stepLimit + " steps: a loop waits for what does not come, or the limit is too low";
            case OUTSIDE -> "not only the schedule decides: " + run.detail()
                    + "; start virtual threads in the body, or give it an executor of such";
        });
        text.append("\nfound after ").append(seen).append("\nto have it again: ").append(command).append("-D").append(SEED)
                .append('=').append(seed).append(", or @Replay(").append(seed).append("L)\n");
        int difference = run.firstDifference(again);
        if (difference >= 0) {
            text.append("NOT REPEATABLE: the same seed gave another schedule, different from step ").append(difference + 1)
                    .append(" on. Something besides the schedule decides what the body does: random numbers, identity hash")
                    .append(" codes, thread ids, the time, or a thread outside. The steps of the second run:\n");
        }
        table(text, again.steps());
        text.append(difference < 0 ? again.stacks() : run.stacks());
        return new ScheduleFailure(
                text.toString().stripTrailing(), run.cause(), kind, seed, difference < 0, again.steps(), seen);
    }

    private static void table(StringBuilder text, List<Step> steps) {
        int skipped = Math.max(0, steps.size() - MOST_STEPS_TOLD);
        List<Step> told = steps.subList(skipped, steps.size());
        int thread = "thread".length();
        int from = "from".length();
        for (Step step : told) {
            thread = Math.max(thread, step.thread().length());
            from = Math.max(from, step.from().length());
        }
        String row = "%5s  %-" + thread + "s  %-" + from + "s  %s%n";
        text.append(row.formatted("step", "thread", "from", "to"));
        if (skipped > 0) {
            text.append("  ... ").append(skipped).append(" steps\n");
        }
        for (int i = 0; i < told.size(); i++) {
            Step step = told.get(i);
            text.append(row.formatted(skipped + i + 1, step.thread(), step.from(), step.to()));
        }
    }
}
