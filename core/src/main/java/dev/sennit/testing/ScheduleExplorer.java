package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.Timers;
import dev.sennit.testing.ScheduleRun.Purpose;
import java.time.Duration;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

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
 * <p>With {@code -Dsennit.pictures=FOLDER} the {@linkplain ScheduleFailure#picture() picture} of a failure is written
 * to a file in that folder, which the message names.
 *
 * <p><b>What it cannot find</b>
 * <ul>
 *   <li>Effects of the memory model that no order of accesses explains; but it tells the data races that lead to them,
 *       such as a missing {@code volatile}: see {@link #dataRaces}.
 *   <li>Anything in threads outside of the schedule: platform threads, other virtual threads, sockets, and without the
 *       agent the common pool (parallel streams, the {@code Async} methods of {@code CompletableFuture} without an
 *       executor). If one of these wakes a thread of the schedule, or holds what it waits for, that is reported as a
 *       failure.
 *   <li>What follows a busy loop: without the agent, {@code while (!flag) {}} runs on, and is reported.
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
    static final String SEED = "sennit.seed";
    static final String SCHEDULE = "sennit.schedule";
    private static final String PICTURES = "sennit.pictures";
    private static final int PCT_DEPTH = 3;

    /** Changed only before the explorer that has them is made. */
    private static final class Settings {
        int schedules;
        long firstSeed = 1;
        Strategy strategy = Strategy.PORTFOLIO;
        /** For {@link Strategy#PCT}; for {@link Strategy#EXHAUSTIVE} the most preemptions. */
        int depth = PCT_DEPTH;

        int stepLimit = 100_000;
        /** Makes the hint in failures how to repeat the schedule of an option; null for that of this class. */
        @Nullable UnaryOperator<String> hint;

        Predicate<? super Thread> daemons = _ -> false;
        Duration realTime = Duration.ofSeconds(1);
        /** The fields whose data races are harmless; null if none is a failure. */
        @Nullable Set<String> dataRaces;

        Settings(int schedules) {
            this.schedules = schedules;
        }

        Settings(Settings other) {
            schedules = other.schedules;
            firstSeed = other.firstSeed;
            strategy = other.strategy;
            depth = other.depth;
            stepLimit = other.stepLimit;
            hint = other.hint;
            daemons = other.daemons;
            realTime = other.realTime;
            dataRaces = other.dataRaces;
        }
    }

    private final Settings settings;

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

    private ScheduleExplorer(Settings settings) {
        this.settings = settings;
    }

    private ScheduleExplorer with(Consumer<Settings> change) {
        var changed = new Settings(settings);
        change.accept(changed);
        return new ScheduleExplorer(changed);
    }

    /**
     * Returns an explorer of so many schedules. By default they are of {@link Strategy#PORTFOLIO}, from seed 1 on, of
     * up to 100,000 steps.
     *
     * @param schedules how many
     * @return an explorer
     * @throws IllegalArgumentException if it is less than 1
     */
    public static ScheduleExplorer of(int schedules) {
        return new ScheduleExplorer(new Settings(atLeast("schedules", 1, schedules)));
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
        return with(changed -> changed.firstSeed = first);
    }

    /**
     * Sets how threads are picked.
     *
     * @param how the strategy; with {@link Strategy#PCT} the depth is 3, or what {@link #pct} has said before
     * @return an explorer with this setting
     */
    public ScheduleExplorer strategy(Strategy how) {
        Objects.requireNonNull(how, "how");
        if (how == Strategy.EXHAUSTIVE) {
            return exhaustive(Integer.MAX_VALUE);
        }
        return with(changed -> {
            changed.depth = changed.strategy == Strategy.EXHAUSTIVE ? PCT_DEPTH : changed.depth;
            changed.strategy = how;
        });
    }

    /**
     * Picks threads by {@link Strategy#PCT}.
     *
     * @param bugDepth how many events must happen in a certain order for the bugs to find; 2 or 3 for most bugs
     * @return an explorer with this setting
     * @throws IllegalArgumentException if it is less than 1
     */
    public ScheduleExplorer pct(int bugDepth) {
        int depth = atLeast("depth", 1, bugDepth);
        return with(changed -> {
            changed.strategy = Strategy.PCT;
            changed.depth = depth;
        });
    }

    /**
     * Goes through all schedules by {@link Strategy#EXHAUSTIVE}, with at most so many preemptions: how often a thread
     * has to wait that could go on. Two are enough for most bugs.
     *
     * @param mostPreemptions the bound, from 0
     * @return an explorer with this setting
     * @throws IllegalArgumentException if it is negative
     */
    public ScheduleExplorer exhaustive(int mostPreemptions) {
        int depth = atLeast("mostPreemptions", 0, mostPreemptions);
        return with(changed -> {
            changed.strategy = Strategy.EXHAUSTIVE;
            changed.depth = depth;
        });
    }

    /**
     * Sets the number of steps after which a schedule counts as endless.
     *
     * @param most the limit; each memory point that a thread passes counts as well
     * @return an explorer with this setting
     * @throws IllegalArgumentException if it is less than 1
     */
    public ScheduleExplorer stepLimit(int most) {
        int limit = atLeast("stepLimit", 1, most);
        return with(changed -> changed.stepLimit = limit);
    }

    /**
     * Sets which threads may be left behind, as daemons may: they may wait for ever when the body has ended. Others
     * that do are a {@linkplain ScheduleFailure.Kind#DEADLOCK deadlock}, joined or not. By default these are all but
     * the idle workers of executors, and threads that wait for the network.
     *
     * {@snippet :
     * import dev.sennit.testing.*;
     *
     * ScheduleExplorer explorer = ScheduleExplorer.of(1000).daemons(thread -> thread.getName().startsWith("cleaner"));
     * }
     *
     * @param which tells of a thread whether it is a daemon; called by the exploring thread, and has to return at once
     * @return an explorer with this setting
     */
    public ScheduleExplorer daemons(Predicate<? super Thread> which) {
        Objects.requireNonNull(which, "which");
        return with(changed -> changed.daemons = which);
    }

    /**
     * Sets how much real time may pass while nothing happens in a schedule: by default one second. That is the longest
     * wait, where waits take their time (without the agent); the processor time that a thread may take without a memory
     * point and without waiting; and the time that a thread may wait where it cannot suspend. A schedule that exceeds
     * it fails, with the stack of the thread and a remedy.
     *
     * @param longest the limit
     * @return an explorer with this setting
     * @throws IllegalArgumentException if it is not positive
     */
    public ScheduleExplorer realTime(Duration longest) {
        if (!longest.isPositive()) {
            throw new IllegalArgumentException("realTime must be positive, was " + longest);
        }
        return with(changed -> changed.realTime = longest);
    }

    /**
     * Sets whether a data race is a {@linkplain ScheduleFailure.Kind#DATA_RACE failure}: two accesses to a field or
     * element by two threads, of which at least one is a write, that nothing orders - no lock, no volatile field, no
     * start or join. Such a schedule may pass all checks of the body, and its result be wrong on another machine. By
     * default the races of a schedule are told only beside another failure. Needs memory points ({@link MemoryPoints});
     * accesses in classes without them are not seen. Schedules take more time.
     *
     * {@snippet :
     * import dev.sennit.testing.*;
     *
     * ScheduleExplorer explorer = ScheduleExplorer.of(1000).dataRaces(true, "com.acme.Text.hash");
     * }
     *
     * @param fail whether to fail for them
     * @param harmless fields for which it does not fail, by their full names, as a failure tells them
     * @return an explorer with this setting
     */
    public ScheduleExplorer dataRaces(boolean fail, String... harmless) {
        Set<String> named = fail ? Set.of(harmless) : null;
        return with(changed -> changed.dataRaces = named);
    }

    /**
     * Sets the hint in failures how to repeat a schedule, in the terms of the tool that runs the test.
     *
     * {@snippet :
     * import dev.sennit.testing.*;
     *
     * ScheduleExplorer explorer = ScheduleExplorer.of(1000)
     *         .replayHint(option -> "gradle test --tests TransferTest " + option);
     * }
     *
     * @param line makes the hint from the option of the JVM, {@code -Dsennit.seed=7} or
     *     {@code -Dsennit.schedule=0,1:3,2}; it replaces {@code -Dsennit.seed=7, or replay(7, body)}
     * @return an explorer with this setting
     */
    public ScheduleExplorer replayHint(UnaryOperator<String> line) {
        Objects.requireNonNull(line, "line");
        return with(changed -> changed.hint = line);
    }

    /**
     * Runs the body under each schedule until one fails. With {@code -Dsennit.seed=N}, runs it only under the schedule
     * of that seed; with {@code -Dsennit.schedule=TEXT}, only under that {@linkplain ScheduleFailure#schedule()
     * schedule}.
     *
     * <p>The schedule of a failure is shortened before the report: changed schedules that fail in the same way, but
     * with fewer preemptions, switches and steps, replace it. A seed repeats that, too.
     *
     * @param body the test body; it also runs once before, so that everything done once in a JVM is done, and once or
     *     twice after; if it fails, up to a thousand times more
     * @return the figures of the exploration, if no schedule failed
     * @throws ScheduleFailure for the first schedule that failed
     * @throws IllegalArgumentException if both properties are set, or the text is no schedule
     * @throws IllegalStateException if virtual threads cannot have a scheduler of their own in this JVM, or the caller
     *     is a thread of a schedule
     * @throws CancellationException if the caller is interrupted; its interrupt status stays set
     */
    public Exploration explore(Body body) {
        Long seed = Long.getLong(SEED);
        String schedule = System.getProperty(SCHEDULE);
        if (schedule == null) {
            return seed == null
                    ? new Tour(body, settings.firstSeed, settings.schedules, false, null, false).explored()
                    : replay(seed, body);
        }
        if (seed != null) {
            throw new IllegalArgumentException("only one of -D" + SEED + " and -D" + SCHEDULE + " can be given");
        }
        return replay(schedule, body);
    }

    /**
     * Runs the body under the schedule of a seed.
     *
     * @param seed the seed of the schedule
     * @param body as for {@link #explore}
     * @return the figures of the exploration, if the schedule passed
     * @throws ScheduleFailure if the schedule failed
     */
    public Exploration replay(long seed, Body body) {
        return new Tour(body, seed, 1, true, null, false).explored();
    }

    /**
     * Runs the body under a schedule that is written down, whatever the strategy. Where the body is not the one of
     * which the schedule was, it is followed as far as that makes sense.
     *
     * @param schedule the text of a {@link ScheduleFailure#schedule()}
     * @param body as for {@link #explore}
     * @return the figures of the exploration, if the schedule passed
     * @throws ScheduleFailure if the schedule failed
     * @throws IllegalArgumentException if the text is no schedule
     */
    public Exploration replay(String schedule, Body body) {
        return new Tour(body, 0, 1, true, Script.parse(schedule), false).explored();
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
        return new Tour(body, settings.firstSeed, settings.schedules, false, null, true).explored();
    }

    /** The same by a search that is made for a test. */
    Exploration survey(ScheduleSearch search, Body body) {
        return new Tour(body, 1, settings.schedules, false, null, true, search).explored();
    }

    /** One exploration, on a thread of its own. */
    private final class Tour implements Callable<Exploration>, ScheduleDriver.Held {
        private final Body body;
        private final long first;
        private final int count;
        /** Whether {@code first} is the complete seed from a failure, not the number that seeds are made from. */
        private final boolean asItIs;

        /** The only schedule, if it is written down. */
        private final @Nullable Script given;

        private final boolean goesOn;
        /** For {@link Strategy#EXHAUSTIVE}. */
        private final ScheduleSearch search;

        private final ScheduleFailureText text;

        private final ScheduleDriver driver = new ScheduleDriver(this, Timers.nanos(settings.realTime));

        // only the driver, and its caller once it has seen that the driver is held
        private final Set<Long> distinct = new HashSet<>();
        private int looked;
        private int failed;
        /** The failure whose schedule is being shortened. */
        private volatile @Nullable ScheduleFailure found;

        Tour(Body body, long first, int count, boolean asItIs, @Nullable Script given, boolean goesOn) {
            this(body, first, count, asItIs, given, goesOn, new ScheduleSearch(settings.depth));
        }

        Tour(
                Body body,
                long first,
                int count,
                boolean asItIs,
                @Nullable Script given,
                boolean goesOn,
                ScheduleSearch search) {
            this.body = body;
            this.first = first;
            this.count = count;
            this.asItIs = asItIs;
            this.given = given;
            this.goesOn = goesOn;
            this.search = search;
            text = new ScheduleFailureText(settings.hint, settings.stepLimit, given);
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
            } catch (ScheduleFailure failure) {
                throw failure.withPictureIn(System.getProperty(PICTURES));
            } catch (CancellationException e) {
                ScheduleFailure first = found;
                if (first != null) {
                    e.addSuppressed(first); // it was being shortened
                }
                throw e;
            }
        }

        @Override
        public Exploration call() {
            return settings.strategy == Strategy.EXHAUSTIVE && given == null ? searched() : sampled();
        }

        private Exploration sampled() {
            ScheduleRun run = run(first, Purpose.COUNT);
            int decisions = run.decisions();
            long seed = first;
            for (int i = 0; i < count; i++) {
                seed = asItIs ? first : Chooser.seed(settings.strategy, first, i, decisions);
                run = run(seed, goesOn ? Purpose.COUNT : Purpose.LOOK);
                long itsSeed = seed;
                run = judged(run, () -> run(itsSeed, Purpose.RECORD), -1);
                decisions = Math.max(decisions, run.decisions());
            }
            return seen(failed > 0 || run.firstDifference(run(seed, Purpose.LOOK)) < 0);
        }

        private Exploration searched() {
            run(new ScheduleSearch(settings.depth).next(), 0, Purpose.COUNT);
            long from = asItIs ? first : 1;
            long number = 0;
            do {
                number++;
                boolean isWanted = number >= from;
                ScheduleRun run = run(search.next(), number, isWanted && !goesOn ? Purpose.LOOK : Purpose.COUNT);
                if (number == 1 && run.firstDifference(run(search.next(), number, Purpose.COUNT)) >= 0) {
                    search.diverges();
                }
                if (isWanted) {
                    long itsNumber = number;
                    judged(run, () -> run(search.next(), itsNumber, Purpose.RECORD), search.seenUpTo());
                }
            } while (search.goesOn() && looked < count);
            if (looked == 0) {
                throw new IllegalArgumentException(
                        "there is no schedule " + from + ": the search is over after " + number);
            }
            return seen(!search.hasDiverged(), asItIs ? -1 : search.seenUpTo());
        }

        /**
         * Counts a run, and throws its failure unless failures are only counted.
         *
         * @param recorded runs the schedule once more, and records it
         * @return the run that counts
         */
        private ScheduleRun judged(ScheduleRun run, Supplier<ScheduleRun> recorded, int seenUpTo) {
            looked++;
            distinct.add(run.hash());
            if (run.ending() == ScheduleRun.Ending.PASSED) {
                return run;
            }
            if (!goesOn) {
                ScheduleRun again = recorded.get();
                if (run.guessesCommonPool() && again.ending() == ScheduleRun.Ending.PASSED) {
                    return again; // another test has used that pool
                }
                failed++;
                throw failureOf(run, again, seenUpTo);
            }
            failed++;
            return run;
        }

        private ScheduleRun run(long seed, Purpose purpose) {
            return run(given == null ? Chooser.of(settings.strategy, settings.depth, seed) : Chooser.following(given),
                    seed, settings.stepLimit,
                    purpose);
        }

        private ScheduleRun run(Chooser chooser, long seed, Purpose purpose) {
            return run(chooser, seed, settings.stepLimit, purpose);
        }

        private ScheduleRun run(Chooser chooser, long seed, int limit, Purpose purpose) {
            var run = new ScheduleRun(driver, chooser, seed, limit, purpose, settings.daemons,
                    Timers.nanos(settings.realTime),
                    settings.dataRaces);
            run.run(body);
            return run;
        }

        private Exploration seen(boolean repeatable) {
            return seen(repeatable, -1);
        }

        private Exploration seen(boolean repeatable, int seenUpTo) {
            return new Exploration(
                    looked, failed, distinct.size(), settings.strategy, first, MemoryPoints.areSet(),
                    VirtualTime.isSet(),
                    repeatable, seenUpTo);
        }

        private ScheduleFailure failureOf(ScheduleRun run, ScheduleRun again, int seenUpTo) {
            Exploration seen = seen(run.firstDifference(again) < 0, seenUpTo);
            if (!seen.repeatable() || !ScheduleShortener.isFor(run.ending())) {
                return failure(run, again, null, null, seen);
            }
            if (given != null) {
                return failure(run, again, given, null, seen);
            }
            ScheduleFailure plain = failure(run, again, again.trace().script(), null, seen);
            found = plain;
            try {
                return shortened(again, plain, seen);
            } catch (RuntimeException | Error e) {
                plain.addSuppressed(e); // the failure is what counts
                return plain;
            }
        }

        /** Returns the failure under the shortest schedule, if that is repeatable. */
        private ScheduleFailure shortened(ScheduleRun original, ScheduleFailure plain, Exploration seen) {
            long seed = original.seed();
            var shortener = new ScheduleShortener(
                    original, settings.stepLimit, (chooser, limit) -> run(chooser, seed, limit, Purpose.COUNT));
            Script shortest = shortener.shortest();
            ScheduleRun told = run(Chooser.following(shortest), seed, settings.stepLimit, Purpose.RECORD);
            return shortener.isShortest(told) ? failure(told, told, shortest, original.trace().size(), seen) : plain;
        }

        /** {@inheritDoc} Called by the driver's caller, as the driver itself is held. */
        @Override
        public ScheduleFailure pinned(ScheduleRun run, String who) {
            return failure(run, ScheduleFailure.Kind.PINNED,
                    who + " waits where it cannot suspend, below a class initializer or native code, and so holds all"
                            + " others: initialize the class before, or let no thread wait there");
        }

        /** {@inheritDoc} Called by the driver's caller, as the driver itself is held. */
        @Override
        public ScheduleFailure spins(ScheduleRun run, String who) {
            return failure(run, ScheduleFailure.Kind.STEP_LIMIT,
                    who + " runs on and on in one step, and goes on with that: if it waits for another in a loop, call"
                            + " Thread.onSpinWait() there, or give its class memory points"
                            + " (-javaagent:sennit.jar=its.package.); if it computes, realTime(...) gives it time");
        }

        private ScheduleFailure failure(ScheduleRun run, ScheduleFailure.Kind kind, String what) {
            ScheduleFailure first = found;
            if (first != null) {
                return first; // a shorter schedule holds the driver
            }
            looked = Math.max(1, looked);
            failed++;
            Exploration seen = seen(false);
            String heading = what + '\n' + text.how(run.seed(), seen);
            return new ScheduleFailure(heading + run.stackOfRunning(), heading, null, kind, run.seed(), false, null,
                    null, seen);
        }

        /** The failure of a run, with the steps of one that was recorded, and the size of a longer one. */
        private ScheduleFailure failure(
                ScheduleRun run,
                ScheduleRun recorded,
                @Nullable Script script,
                ScheduleTrace.@Nullable Size longer,
                Exploration seen) {
            String schedule = script == null ? null : script.toString();
            String heading = text.of(run, recorded, schedule, longer, seen);
            boolean isRepeatable = run.firstDifference(recorded) < 0;
            ScheduleRecording recording = recorded.recording();
            String all = heading + ScheduleTable.of(recording) + (isRepeatable ? recorded : run).stacks()
                    + recorded.races();
            return new ScheduleFailure(
                    all.stripTrailing(), heading, run.cause(), ScheduleFailureText.kind(run.ending()), run.seed(),
                    isRepeatable, schedule, recording, seen);
        }
    }
}
