package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import dev.sennit.testing.ScheduleRun.Purpose;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.function.LongFunction;

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
 * them and checks. All of them run on one platform thread, one at a time. Who goes on when one waits, yields or ends is
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
 *       {@code Async} methods of {@code CompletableFuture} without an executor unless there is the agent), virtual threads of
 *       others, sockets. If one of these makes a thread of the schedule go on, that is reported as a failure.
 *   <li>Loops that wait without waiting: without the agent, {@code while (!flag) {}} holds the test until it is interrupted.
 * </ul>
 *
 * <p><b>Time</b> Code takes none: when nobody can go on, the clock of the schedule goes to the end of the next timed wait, so
 * those end in the order of their lengths, however slow the machine. With the agent ({@code -javaagent:sennit.jar}) waits take
 * no time either: sleeps, time limits and the clocks themselves ({@code System.nanoTime()}, {@code Instant.now()}) are those
 * of the schedule, which begins at {@link VirtualClock#START}. Without it each wait lasts as long as it says, as the JDK looks
 * at the real clock before it lets a thread go on: keep them short, or have the code wait by a {@link VirtualClock}. One that is
 * over before its thread comes to wait, as the machine did something else meanwhile, makes another schedule than the seed's.
 *
 * <p>Immutable; each method that changes a setting returns a new one. It wants the option
 * {@code --add-opens java.base/java.lang=dev.sennit} ({@code =ALL-UNNAMED} on the class path), unless there is the agent.
 */
public final class ScheduleExplorer {
    private static final String SEED = "sennit.seed";
    private static final int MOST_STEPS_TOLD = 200;

    private final int schedules;
    private final long firstSeed;
    private final Strategy strategy;
    private final int depth;
    private final int stepLimit;
    /** What a failure says about how to have its schedule again. */
    private final LongFunction<String> hint;

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

    private ScheduleExplorer(
            int schedules, long firstSeed, Strategy strategy, int depth, int stepLimit, LongFunction<String> hint) {
        this.schedules = schedules;
        this.firstSeed = firstSeed;
        this.strategy = strategy;
        this.depth = depth;
        this.stepLimit = stepLimit;
        this.hint = hint;
    }

    /**
     * Looks at so many schedules: {@link Strategy#RANDOM}, from seed 1 on, of up to 100,000 steps, until told otherwise.
     *
     * @param schedules how many
     * @return an explorer
     * @throws IllegalArgumentException if it is less than 1
     */
    public static ScheduleExplorer of(int schedules) {
        return new ScheduleExplorer(atLeast("schedules", 1, schedules), 1, Strategy.RANDOM, 3, 100_000,
                seed -> "-D" + SEED + '=' + seed + ", or replay(" + seed + ", body)");
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
        return new ScheduleExplorer(schedules, first, strategy, depth, stepLimit, hint);
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
                schedules, firstSeed, Strategy.PCT, atLeast("depth", 1, bugDepth), stepLimit, hint);
    }

    /**
     * Takes a schedule with more steps than this for one that does not end.
     *
     * @param most how many; each memory point that a thread comes to counts, too
     * @return an explorer that differs in this
     * @throws IllegalArgumentException if it is less than 1
     */
    public ScheduleExplorer stepLimit(int most) {
        return new ScheduleExplorer(schedules, firstSeed, strategy, depth, atLeast("stepLimit", 1, most), hint);
    }

    /**
     * Says in failures how to have a schedule again, in the terms of whatever runs the test.
     *
     * {@snippet :
     * import dev.sennit.testing.*;
     *
     * ScheduleExplorer explorer = ScheduleExplorer.of(1000)
     *         .replayHint(seed -> "gradle test --tests TransferTest -Dsennit.seed=" + seed);
     * }
     *
     * @param line from the seed of the schedule that failed; it takes the place of {@code -Dsennit.seed=7, or replay(7, body)}
     * @return an explorer that differs in this
     */
    public ScheduleExplorer replayHint(LongFunction<String> line) {
        return new ScheduleExplorer(
                schedules, firstSeed, strategy, depth, stepLimit, Objects.requireNonNull(line, "line"));
    }

    /**
     * Runs the body under each schedule, until one fails. With {@code -Dsennit.seed=N}, under that one alone.
     *
     * @param body run once more before, so that what is done once in a JVM is done, and once or twice after
     * @return what was looked at, if all went well
     * @throws ScheduleFailure with the first schedule that failed
     * @throws IllegalStateException if virtual threads cannot have a scheduler of their own in this JVM, or the caller is a
     *     thread of a schedule
     * @throws CancellationException if the caller is interrupted; its interrupt status stays set
     */
    public Exploration explore(Body body) {
        Long given = Long.getLong(SEED);
        return given == null ? new Tour(body, firstSeed, schedules, false, false).explored() : replay(given, body);
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
        return new Tour(body, seed, 1, true, false).explored();
    }

    /**
     * Runs the body under each schedule, whether one fails or not: to know how likely a bug is to be found, and so how many
     * schedules to look at for one that is as rare. Threads of failed schedules that an interrupt does not end stay.
     *
     * @param body as for {@link #explore}
     * @return what was looked at; how many schedules failed is among it
     */
    public Exploration survey(Body body) {
        return new Tour(body, firstSeed, schedules, false, true).explored();
    }

    /** One exploration, by a thread of its own. */
    private final class Tour implements Callable<Exploration>, ScheduleDriver.Held {
        private final Body body;
        private final long first;
        private final int count;
        /** Whether the first seed is what a failure told, not what a seed is made from. */
        private final boolean asItIs;

        private final boolean goesOn;
        private final ScheduleDriver driver = new ScheduleDriver(this);

        // only the driver, and who has seen what it is held by
        private final Set<Long> distinct = new HashSet<>();
        private int looked;
        private int failed;

        Tour(Body body, long first, int count, boolean asItIs, boolean goesOn) {
            this.body = body;
            this.first = first;
            this.count = count;
            this.asItIs = asItIs;
            this.goesOn = goesOn;
        }

        Exploration explored() {
            if (ScheduleDriver.currentRun() != null) {
                throw new IllegalStateException("an exploration within an exploration");
            }
            if (!OwnScheduler.isAvailable()) {
                throw new IllegalStateException("schedules cannot be explored here: " + OwnScheduler.whyNotAvailable());
            }
            try (var _ = UncaughtFailures.taken()) {
                return driver.explore(this);
            }
        }

        @Override
        public Exploration call() {
            ScheduleRun run = run(first, Purpose.COUNT);
            int decisions = run.decisions();
            long seed = first;
            for (int i = 0; i < count; i++) {
                seed = asItIs ? first : Chooser.seed(strategy, first, i, decisions);
                run = run(seed, goesOn ? Purpose.COUNT : Purpose.LOOK);
                looked++;
                distinct.add(run.hash());
                decisions = Math.max(decisions, run.decisions());
                if (run.ending() == ScheduleRun.Ending.PASSED) {
                    continue;
                }
                if (goesOn) {
                    failed++;
                    continue;
                }
                ScheduleRun again = run(seed, Purpose.RECORD);
                if (run.guessesCommonPool() && again.ending() == ScheduleRun.Ending.PASSED) {
                    run = again; // it was somebody else who used that pool
                    continue;
                }
                failed++;
                throw failureOf(run, again, seen(run.firstDifference(again) < 0));
            }
            return seen(failed > 0 || run.firstDifference(run(seed, Purpose.LOOK)) < 0);
        }

        private ScheduleRun run(long seed, Purpose purpose) {
            var run = new ScheduleRun(driver, Chooser.of(strategy, depth, seed), seed, stepLimit, purpose);
            run.run(body);
            return run;
        }

        private Exploration seen(boolean repeatable) {
            return new Exploration(
                    looked, failed, distinct.size(), strategy, first, MemoryPoints.areSet(), VirtualTime.isSet(), repeatable);
        }

        /** The driver does not come back to say so itself. */
        @Override
        public ScheduleFailure failure(ScheduleRun run, String who) {
            looked = Math.max(1, looked);
            failed++;
            Exploration seen = seen(false);
            String message = who + " waits where it cannot suspend, below a class initializer or native code, and so holds all"
                    + " others: initialize the class before, or let no thread wait there\n"
                    + how(run.seed(), seen) + run.stackOfRunning();
            return new ScheduleFailure(message, null, ScheduleFailure.Kind.PINNED, run.seed(), false, List.of(), seen);
        }
    }

    // ---- what a failure says ----

    private String how(long seed, Exploration seen) {
        return "found after " + seen + "\nto have it again: " + hint.apply(seed) + '\n';
    }

    private ScheduleFailure failureOf(ScheduleRun run, ScheduleRun again, Exploration seen) {
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
            case PINNED -> throw new AssertionError("that is not told here");
            case OUTSIDE -> "not only the schedule decides: " + run.detail()
                    + "; start virtual threads in the body, or give it an executor of such";
        });
        text.append('\n').append(how(run.seed(), seen));
        int difference = run.firstDifference(again);
        if (difference >= 0) {
            text.append("NOT REPEATABLE: the same seed gave another schedule, different from step ").append(difference + 1)
                    .append(" on. Something besides the schedule decides what the body does: random numbers, identity hash")
                    .append(" codes, thread ids, the time, or a thread outside. The steps of the second run:\n");
        }
        table(text, again.steps());
        text.append(difference < 0 ? again.stacks() : run.stacks());
        return new ScheduleFailure(
                text.toString().stripTrailing(), run.cause(), kind, run.seed(), difference < 0, again.steps(), seen);
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
