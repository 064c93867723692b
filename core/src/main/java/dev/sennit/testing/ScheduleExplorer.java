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
 * Runs a test body of ordinary concurrent code under many schedules, and reports the first under which it fails.
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
 * <p>The body runs in a virtual thread, once for each schedule: it creates its objects anew, starts virtual threads,
 * joins them and checks. All these threads run on one platform thread, one at a time. When one waits, yields or ends,
 * the {@link Strategy} picks the next from a seed: the same seed picks the same again. With the agent
 * ({@link MemoryPoints}) threads may also change between any two accesses to memory; without it, a thread that does not
 * wait runs on.
 *
 * <p><b>What it finds</b>, as a {@link ScheduleFailure}: uncaught exceptions of the body and its threads; deadlocks and
 * lost wake-ups; schedules that do not end; with the agent, lost updates and check-then-act races. Before the report
 * the schedule runs once more: to record it, and to check that it is repeatable.
 *
 * <p><b>What it cannot find</b>
 * <ul>
 *   <li>Effects of the memory model that no order of accesses explains: a missing {@code volatile}.
 *   <li>Anything in threads outside of the schedule: platform threads, the common pool (parallel streams; without the
 *       agent also the {@code Async} methods of {@code CompletableFuture} without an executor), other virtual threads,
 *       sockets. If one of these wakes a thread of the schedule, that is reported as a failure.
 *   <li>Busy loops: without the agent, {@code while (!flag) {}} runs until the test is interrupted.
 * </ul>
 *
 * <p><b>Time</b> Code takes no time: when no thread can go on, the clock of the schedule goes to the end of the next
 * timed wait, so waits end in the order of their lengths, however slow the machine. With the agent
 * ({@code -javaagent:sennit.jar}) waits take no real time either: sleeps, time limits and clocks
 * ({@code System.nanoTime()}, {@code Instant.now()}) follow the time of the schedule, which begins at
 * {@link VirtualClock#START}. Without the agent each wait lasts its full time, as the JDK reads the real clock before
 * it lets a thread go on: keep waits short, or let the code wait by a {@link VirtualClock}. If the machine is so busy
 * that a time is over before its thread begins to wait, the schedule may differ from the seed's.
 *
 * <p>Immutable; each method that changes a setting returns a new explorer. It needs the option
 * {@code --add-opens java.base/java.lang=dev.sennit} ({@code =ALL-UNNAMED} on the class path), unless there is the
 * agent.
 */
public final class ScheduleExplorer {
    private static final String SEED = "sennit.seed";
    private static final int MOST_STEPS_TOLD = 200;

    private final int schedules;
    private final long firstSeed;
    private final Strategy strategy;
    private final int depth;
    private final int stepLimit;
    /** The hint in failures how to repeat the schedule. */
    private final LongFunction<String> hint;

    /** The test body, which runs under each schedule. */
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
     * Returns an explorer of so many schedules. By default they are {@link Strategy#RANDOM}, from seed 1 on, of up to
     * 100,000 steps.
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
     * Sets the first seed.
     *
     * @param first the seed of the first schedule
     * @return an explorer with this setting
     */
    public ScheduleExplorer seed(long first) {
        return new ScheduleExplorer(schedules, first, strategy, depth, stepLimit, hint);
    }

    /**
     * Picks threads by {@link Strategy#PCT}.
     *
     * @param bugDepth how many events must happen in a certain order for the bugs to find; 2 or 3 for most bugs
     * @return an explorer with this setting
     * @throws IllegalArgumentException if it is less than 1
     */
    public ScheduleExplorer pct(int bugDepth) {
        return new ScheduleExplorer(
                schedules, firstSeed, Strategy.PCT, atLeast("depth", 1, bugDepth), stepLimit, hint);
    }

    /**
     * Sets the number of steps after which a schedule counts as endless.
     *
     * @param most the limit; each memory point that a thread passes counts as well
     * @return an explorer with this setting
     * @throws IllegalArgumentException if it is less than 1
     */
    public ScheduleExplorer stepLimit(int most) {
        return new ScheduleExplorer(schedules, firstSeed, strategy, depth, atLeast("stepLimit", 1, most), hint);
    }

    /**
     * Sets the hint in failures how to repeat a schedule, in the terms of the tool that runs the test.
     *
     * {@snippet :
     * import dev.sennit.testing.*;
     *
     * ScheduleExplorer explorer = ScheduleExplorer.of(1000)
     *         .replayHint(seed -> "gradle test --tests TransferTest -Dsennit.seed=" + seed);
     * }
     *
     * @param line makes the hint from the seed of the failed schedule; it replaces
     *     {@code -Dsennit.seed=7, or replay(7, body)}
     * @return an explorer with this setting
     */
    public ScheduleExplorer replayHint(LongFunction<String> line) {
        return new ScheduleExplorer(
                schedules, firstSeed, strategy, depth, stepLimit, Objects.requireNonNull(line, "line"));
    }

    /**
     * Runs the body under each schedule until one fails. With {@code -Dsennit.seed=N}, runs it only under the schedule
     * of that seed.
     *
     * @param body the test body; it also runs once before, so that everything done once in a JVM is done, and once or
     *     twice after
     * @return the figures of the exploration, if no schedule failed
     * @throws ScheduleFailure for the first schedule that failed
     * @throws IllegalStateException if virtual threads cannot have a scheduler of their own in this JVM, or the caller
     *     is a thread of a schedule
     * @throws CancellationException if the caller is interrupted; its interrupt status stays set
     */
    public Exploration explore(Body body) {
        Long given = Long.getLong(SEED);
        return given == null ? new Tour(body, firstSeed, schedules, false, false).explored() : replay(given, body);
    }

    /**
     * Runs the body under one schedule.
     *
     * @param seed the seed of the schedule
     * @param body as for {@link #explore}
     * @return the figures of the exploration, if the schedule passed
     * @throws ScheduleFailure if the schedule failed
     */
    public Exploration replay(long seed, Body body) {
        return new Tour(body, seed, 1, true, false).explored();
    }

    /**
     * Runs the body under each schedule, even after failures: to measure how likely a bug is to be found, and so how
     * many schedules bugs as rare as that take. Threads of failed schedules that an interrupt does not end are left
     * behind.
     *
     * @param body as for {@link #explore}
     * @return the figures of the exploration, with the number of failed schedules
     */
    public Exploration survey(Body body) {
        return new Tour(body, firstSeed, schedules, false, true).explored();
    }

    /** One exploration, on a thread of its own. */
    private final class Tour implements Callable<Exploration>, ScheduleDriver.Held {
        private final Body body;
        private final long first;
        private final int count;
        /** Whether {@code first} is the complete seed from a failure, not the number that seeds are made from. */
        private final boolean asItIs;

        private final boolean goesOn;
        private final ScheduleDriver driver = new ScheduleDriver(this);

        // only the driver, and its caller once it has seen that the driver is held
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
                    run = again; // another test has used that pool
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
                    looked, failed, distinct.size(), strategy, first, MemoryPoints.areSet(), VirtualTime.isSet(),
                    repeatable);
        }

        /** {@inheritDoc} Called by the driver's caller, as the driver itself is held. */
        @Override
        public ScheduleFailure failure(ScheduleRun run, String who) {
            looked = Math.max(1, looked);
            failed++;
            Exploration seen = seen(false);
            String message =
                    who + " waits where it cannot suspend, below a class initializer or native code, and so holds all"
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
            case STEP_LIMIT ->
                "no end after " + stepLimit + " steps: a loop waits for what does not come, or the limit is too low";
            case PINNED -> throw new AssertionError("that is not told here");
            case OUTSIDE -> "not only the schedule decides: " + run.detail()
                    + "; start virtual threads in the body, or give it an executor of such";
        });
        text.append('\n').append(how(run.seed(), seen));
        int difference = run.firstDifference(again);
        if (difference >= 0) {
            text.append("NOT REPEATABLE: the same seed gave another schedule, different from step ")
                    .append(difference + 1)
                    .append(" on. Something besides the schedule decides what the body does: random "
                            + "numbers, identity hash")
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
