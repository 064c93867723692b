package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.Timers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One schedule of a test body. All its virtual threads run on the platform thread that calls {@link #run}, the driver.
 *
 * <h2>Steps</h2> The driver picks one of the ready threads and runs it until it suspends or ends: a step. Then the
 * driver finds out which threads are ready now, and picks again. At each memory point the running thread asks whether
 * to make way, which ends the step.
 *
 * <h2>Why a seed repeats a schedule</h2> Every decision follows from the seed and from the set of ready threads at each
 * step. A thread that another one starts, unparks or interrupts becomes ready at once, within the step. A thread that
 * waits for a monitor is made ready by a thread of the JDK, sooner or later: so while any waits for a monitor, the
 * driver waits for the JDK's thread after each step ({@link MonitorFence}), and takes the arrived threads in the order
 * of their numbers. No other wake-up from outside can be ordered: it ends the schedule as a failure that names its
 * source.
 *
 * <h2>Time</h2> When no thread is ready, time passes: see {@link ScheduleClock}.
 */
final class ScheduleRun {
    enum Ending {
        PASSED,
        THREW,
        /** A thread called {@code System.exit}. */
        EXIT,
        DEADLOCK,
        STEP_LIMIT,
        OUTSIDE,
        /** A wait would really take its time. */
        REAL_TIME,
        DATA_RACE
    }

    /** The purpose of a run. */
    enum Purpose {
        /** To see how the schedule ends. */
        LOOK,
        /**
         * To see how the schedule ends when others follow even after a failure: the run is as short as possible, and
         * leaves few threads behind.
         */
        COUNT,
        /** To record the steps. */
        RECORD
    }

    /** How deep in a stack the JDK's cleaner is, of a thread that came across its list. */
    private static final int FRAMES_OF_CLEANER = 8;
    private static final long SECOND_LOOK = TimeUnit.MILLISECONDS.toNanos(100);
    /** While the common pool works on something, which may be for a thread of the schedule. */
    private static final long POOL_LOOK = TimeUnit.MILLISECONDS.toNanos(800);
    /**
     * So often time passes after the body has ended, for threads that wait for a time. Those that still do so then do
     * periodic work, and wake nobody.
     */
    private static final int LATE_WAITS = 100;
    /** So many turns of loops without a memory point count as a busy loop that waits for another thread. */
    private static final int TURNS = 1000;

    static {
        // Before any schedule runs: the JDK's thread that the fence waits for would otherwise wait for the fence's
        // initialization.
        MonitorFence.await();
        Timers.askFirst(ScheduleRun::after);
    }

    /** Thrown to end a thread whose schedule has failed already. */
    private static final class Ended extends Error {
        private static final long serialVersionUID = 1L;

        Ended(String why) {
            super(why, null, false, false);
        }
    }

    /** A wake-up of a thread; the throwable has the name and the stack of the thread that woke it. */
    private record Waking(Runnable continuation, Throwable by) {}

    /** The middle of a step, as seen from outside. */
    record Moment(ScheduleRun run, Strand strand, int step, long point) {
        boolean sameAs(Moment other) {
            return run == other.run && strand == other.strand && step == other.step && point == other.point;
        }
    }

    private final ScheduleDriver driver;
    private final ScheduleThreads threads;
    private final Chooser chooser;
    private final long seed;
    private final int stepLimit;
    private final Purpose purpose;
    private final Predicate<? super Thread> daemons;
    /** Whether a data race is a failure. */
    private final boolean failsForRaces;
    /** Null if races are neither a failure nor told beside one. */
    private final @Nullable DataRaces races;

    // ---- only the driver and the threads that it carries ----

    private final Map<Runnable, Strand> strands = new IdentityHashMap<>();
    private final List<Strand> ready = new ArrayList<>();
    private final PinnedValues.Given pinned = new PinnedValues.Given();
    /** Threads that are neither ready, nor running, nor ended. */
    private final List<Strand> waiting = new ArrayList<>();

    private final ScheduleClock clock;

    /** Null if this run is not recorded. */
    private final @Nullable ScheduleRecording recording;

    /** The thread that has run last, or runs. */
    private @Nullable Strand last;
    /** Whether the waits that end now do so because no thread can go on. */
    private boolean isTimePassing;
    /** Whether the running thread suspends because of a memory point. */
    private boolean madeWay;
    /** How often time has passed since the body ended. */
    private int lateWaits;
    /** Turns of loops since the last memory point, or since the step began. */
    private int turns;

    private @Nullable String toCommonPool;
    private boolean guessesCommonPool;
    private boolean looking;
    private boolean draining;
    private Ending ending = Ending.PASSED;
    private @Nullable Throwable cause;
    private String detail = "";

    // ---- written by these, read by the driver's caller after `running` ----

    private final ScheduleTrace trace = new ScheduleTrace();
    private long points;
    private volatile @Nullable Strand running;

    // ---- any thread ----

    private final Queue<Runnable> unblocked = new ConcurrentLinkedQueue<>();
    /** The first wake-up from outside. */
    private volatile @Nullable Waking outside;

    private volatile boolean over;

    ScheduleRun(
            ScheduleDriver driver,
            Chooser chooser,
            long seed,
            int stepLimit,
            Purpose purpose,
            Predicate<? super Thread> daemons,
            long realTime,
            @Nullable Set<String> harmlessRaces) {
        this.driver = driver;
        this.chooser = chooser;
        this.seed = seed;
        this.stepLimit = stepLimit;
        this.purpose = purpose;
        this.daemons = daemons;
        clock = new ScheduleClock(realTime);
        recording = purpose == Purpose.RECORD ? new ScheduleRecording() : null;
        failsForRaces = harmlessRaces != null;
        races = failsForRaces || purpose == Purpose.RECORD
                ? new DataRaces(purpose == Purpose.RECORD, harmlessRaces == null ? Set.of() : harmlessRaces)
                : null;
        threads = driver.begin(this);
    }

    // ---- the driver ----

    void run(ScheduleExplorer.Body body) {
        OwnScheduler.forgetSubmissions();
        long stolen = ForkJoinPool.commonPool().getStealCount();
        if (races != null) {
            races.begin();
        }
        try {
            threads.start(() -> {
                try {
                    body.run();
                } catch (Throwable e) {
                    threw(e);
                }
            });
            drive();
            driver.ensureNotGivenUp();
            if (ending == Ending.PASSED) {
                lookAtCommonPool(stolen);
            }
            if (ending == Ending.PASSED || purpose == Purpose.COUNT) {
                endThoseLeft();
            }
            if (failsForRaces && races != null && races.areFound()) {
                fail(Ending.DATA_RACE, null, races.first());
            }
        } finally {
            over = true;
            if (races != null) {
                races.end();
            }
            driver.end(waiting.isEmpty() && ready.isEmpty() ? threads : null);
        }
    }

    /** Fails the schedule if part of the body may have run on the common pool, even if no thread waited for it. */
    private void lookAtCommonPool(long stolenBefore) {
        if (failsForCommonPool()) {
            return;
        }
        ForkJoinPool pool = ForkJoinPool.commonPool();
        if (VirtualTime.isSet() || pool.getStealCount() == stolenBefore && pool.isQuiescent()) {
            return;
        }
        // Without the agent, the submitter is unknown: it may have been a concurrent test, unless this thread shows a
        // trace.
        if (OwnScheduler.mayHaveSubmitted()) {
            guessesCommonPool = true;
            fail(Ending.OUTSIDE, null,
                    "the common pool ran something meanwhile: parallel streams and CompletableFuture's"
                            + " ...Async methods without an executor do that (if another test did it, while this one "
                            + "drew from ThreadLocalRandom: with -javaagent:sennit.jar it is known who did)");
        }
    }

    /** Fails the schedule if one of its threads handed work to the common pool, and returns whether one did. */
    private boolean failsForCommonPool() {
        if (toCommonPool == null) {
            return false;
        }
        fail(Ending.OUTSIDE, null, toCommonPool + " handed work to the common pool");
        return true;
    }

    /** Returns the number of the running thread; -1 between two steps. */
    int numberOfRunning() {
        Strand self = running;
        return self == null ? -1 : self.number;
    }

    /** Notes that the running thread hands something to a pool. */
    void submits(ForkJoinPool pool) {
        Strand self = running;
        if (toCommonPool == null && self != null && !draining && pool == ForkJoinPool.commonPool()) {
            toCommonPool = self.name();
        }
    }

    private void drive() {
        while (ending == Ending.PASSED && !over) {
            settle();
            if (outside != null) {
                failFromOutside();
            } else if (!ready.isEmpty()) {
                step();
            } else if (!bodyHasEnded()) {
                if (!endNextWait()) {
                    nobodyGoesOn();
                }
            } else if (!endNextLateWait()) {
                ScheduleClock.Timer next = clock.next();
                List<Strand> stuck = next != null && clock.takesTooLong(next) ? List.of() : stuck();
                if (stuck.isEmpty()) {
                    return;
                }
                nobodyGoesOn(stuck);
            }
        }
    }

    private boolean bodyHasEnded() {
        for (Strand strand : waiting) {
            if (strand.number == 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Lets time pass for threads that the body has left; returns false if none waits for a time, or if they do so again
     * and again. Where waits take real time, little of it passes, and only if it may wake a thread that nothing else
     * can wake.
     */
    private boolean endNextLateWait() {
        if (waiting.isEmpty() || lateWaits >= LATE_WAITS) {
            return false;
        }
        ScheduleClock.Timer next = clock.next();
        if (next == null || next.isReal && (clock.takesTooLong(next) || stuck().isEmpty())) {
            return false;
        }
        lateWaits++;
        return endNextWait();
    }

    /** Returns the threads that the body has left, and that can never go on. */
    private List<Strand> stuck() {
        List<Strand> stuck = List.of();
        for (Strand strand : waiting) {
            if (!strand.sleeps
                    && strand.thread.getState() != Thread.State.TIMED_WAITING
                    && !daemons.test(strand.thread)
                    && !Idle.mayStay(stack(strand))) {
                stuck = stuck.isEmpty() ? new ArrayList<>() : stuck;
                stuck.add(strand);
            }
        }
        return stuck;
    }

    private void step() {
        if (trace.steps() + points >= stepLimit) {
            fail(Ending.STEP_LIMIT, null, "");
            return;
        }
        int chosen = chooser.next(ready);
        Strand strand = ready.get(chosen);
        Strand behind = ready.removeLast();
        if (chosen < ready.size()) {
            ready.set(chosen, behind);
        }
        strand.ready = false;
        madeWay = false;
        turns = 0;
        long pointsBefore = points;
        last = strand;
        running = strand;
        chooser.begins(strand);
        strand.continuation.run();
        while (waitsForCleaner(strand) && awaitUnblocked(strand)) {
            strand.continuation.run();
        }
        running = null;

        trace.add(strand.number, points - pointsBefore, madeWay && strand.ready);
        if (!madeWay) {
            chooser.suspends(strand);
        }
        if (strand.ready) {
            if (!madeWay) {
                chooser.yielded(strand);
            }
        } else if (strand.thread.getState() != Thread.State.TERMINATED) {
            strand.place = Strand.NOWHERE;
            waiting.add(strand);
            strand.looks = 0;
        }
        if (races != null && !madeWay && !draining) {
            if (strand.thread.getState() == Thread.State.TERMINATED) {
                races.ended(strand);
            } else {
                races.suspends(strand);
            }
        }
        if (!madeWay) {
            chooser.decisionAfter(strand);
        }
        if (recording != null && !draining) {
            record(strand, recording);
        }
    }

    /**
     * Returns whether a thread has come across the list of a {@link java.lang.ref.Cleaner} while another thread changes
     * it. That is one of the JDK's, which does so for a moment when an object was found unreachable: no thread of the
     * schedule suspends with that list. Such a moment is no part of the schedule, so the thread has to go on in the
     * same step.
     */
    private static boolean waitsForCleaner(Strand strand) {
        if (strand.thread.getState() != Thread.State.BLOCKED) {
            return false;
        }
        StackTraceElement[] stack = strand.thread.getStackTrace();
        for (int i = 0; i < Math.min(stack.length, FRAMES_OF_CLEANER); i++) {
            String className = stack[i].getClassName();
            if (className.equals("java.lang.ref.Cleaner") || className.startsWith("jdk.internal.ref.")) {
                return true;
            }
        }
        return false;
    }

    /** Returns false if the monitor is not left within the time for a second look. */
    private boolean awaitUnblocked(Strand strand) {
        long until = System.nanoTime() + SECOND_LOOK;
        while (!unblocked.remove(strand.continuation)) {
            long left = until - System.nanoTime();
            if (left <= 0 || over) {
                return false;
            }
            LockSupport.parkNanos(this, left); // the thread that unblocks it unparks this one
        }
        return true;
    }

    /** Finds out which threads are ready. */
    private void settle() {
        if (clock.isAnyDue()) {
            clock.endWaits(this::isInterfered);
        }
        if (!mayBeUnblocked()) {
            return;
        }
        MonitorFence.await();
        if (unblocked.isEmpty()) {
            return;
        }
        List<Strand> arrived = new ArrayList<>();
        for (Runnable one = unblocked.poll(); one != null; one = unblocked.poll()) {
            arrived.add(strand(one));
        }
        arrived.sort(Comparator.comparingInt(strand -> strand.number));
        for (Strand strand : arrived) {
            makeReady(strand);
        }
    }

    /** Returns whether a thread waits for a monitor, or was released and has not arrived yet. */
    private boolean mayBeUnblocked() {
        for (Strand strand : waiting) {
            switch (strand.thread.getState()) {
                case BLOCKED, RUNNABLE -> {
                    return true;
                }
                default -> {}
            }
        }
        return false;
    }

    private Strand strand(Runnable continuation) {
        Strand known = strands.get(continuation);
        if (known != null) {
            return known;
        }
        var made = new Strand(strands.size(), continuation, threadThatGoesOn(continuation));
        OwnScheduler.seedRandom(made.thread, PinnedValues.seedOf(made.number));
        Strand starter = running;
        made.kind = starter == null ? 0 : starter.site;
        strands.put(continuation, made);
        if (races != null) {
            races.made(made, starter);
        }
        chooser.started(made);
        return made;
    }

    private static Thread threadThatGoesOn(Runnable continuation) {
        Thread thread = OwnScheduler.threadOf(continuation);
        if (thread == null) {
            throw new IllegalStateException("Java " + Runtime.version() + " does not tell whose continuation that is");
        }
        return thread;
    }

    private void makeReady(Strand strand) {
        if (!strand.ready) {
            strand.ready = true;
            ready.add(strand);
            Strand self = running;
            if (strand != self) {
                waiting.remove(strand);
                chooser.woken(strand, isTimePassing ? null : last);
                if (races != null && self != null) {
                    races.wakes(self, strand);
                }
            }
        }
    }

    /** Lets time pass until a wait ends; returns false if none will. */
    private boolean endNextWait() {
        ScheduleClock.Timer next = clock.next();
        if (next == null) {
            return false;
        }
        if (clock.takesTooLong(next)) {
            fail(Ending.REAL_TIME, null, "no thread can go on but one that really waits, for "
                    + clock.left(next));
            return true;
        }
        clock.goTo(next);
        isTimePassing = true;
        try {
            clock.endWaits(this::isInterfered);
        } finally {
            isTimePassing = false;
        }
        return true;
    }

    /**
     * Fails the schedule, as no thread can go on. A thread from outside may be about to wake one, which is another
     * failure; where failures are only counted, the driver does not wait for that. Work of the common pool would wake
     * a thread at a moment of its own, so the driver names that work without a look at the clock.
     */
    private void nobodyGoesOn() {
        nobodyGoesOn(List.of());
    }

    /** The same, once the body has ended and has left these threads. */
    private void nobodyGoesOn(List<Strand> left) {
        if (failsForCommonPool()) {
            return;
        }
        if (purpose != Purpose.COUNT) {
            awaitOutside(SECOND_LOOK);
            long until = System.nanoTime() + POOL_LOOK;
            while (isQuietOutside() && !ForkJoinPool.commonPool().isQuiescent() && until - System.nanoTime() > 0) {
                awaitOutside(SECOND_LOOK); // on a busy machine the pool's threads need time
            }
        }
        Throwable dependence = purpose == Purpose.COUNT || !isQuietOutside()
                ? null
                : driver.outsideThreads().dependence(waiting, thread -> numberOf(thread) >= 0, strand(0).thread);
        if (outside != null) {
            failFromOutside();
        } else if (!unblocked.isEmpty()) {
            fail(Ending.OUTSIDE, null, "a thread outside ended, or left a monitor, for which "
                    + strand(unblocked.remove()).name() + " waited");
        } else if (waiting.stream().anyMatch(strand -> Exit.isOn(stack(strand)))) {
            awaitOutside(SECOND_LOOK); // until the JVM ends
        } else if (dependence != null) {
            fail(Ending.OUTSIDE, dependence, String.valueOf(dependence.getMessage()));
        } else if (!left.isEmpty()) {
            fail(Ending.DEADLOCK, null, "the body has ended and has left " + left.stream().map(Strand::name)
                    .collect(Collectors.joining(", ")) + ", which nothing will ever wake");
        } else {
            ScheduleClock.Timer next = clock.first();
            fail(Ending.DEADLOCK, null, "no thread can go on, " + (next == null
                    ? "and none waits for a time"
                    : "but for one that waits for a time which ends in " + clock.left(next)));
        }
    }

    private void awaitOutside(long nanos) {
        long until = System.nanoTime() + nanos;
        for (long left = nanos; left > 0 && isQuietOutside(); left = until - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
        }
    }

    /** Returns whether the driver has something else to do than to wait for a time. */
    private boolean isInterfered() {
        return outside != null || over;
    }

    private boolean isQuietOutside() {
        return outside == null && unblocked.isEmpty();
    }

    private void failFromOutside() {
        Waking waking = outside;
        if (waking != null && Exit.isOn(stack(strand(waking.continuation())))) {
            outside = null;
            makeReady(strand(waking.continuation()));
        } else if (waking != null && !failsForCommonPool()) {
            fail(Ending.OUTSIDE, waking.by(), waking.by().getMessage() + ", which is not of the schedule, made "
                    + strand(waking.continuation()).name() + " go on");
        }
    }

    private void fail(Ending how, @Nullable Throwable why, String more) {
        if (ending == Ending.PASSED) {
            ending = how;
            cause = why;
            detail = more;
        }
    }

    /** Interrupts the threads that are left, which ends most of them: the JDK keeps threads that wait forever. */
    private void endThoseLeft() {
        Ending how = ending;
        ending = Ending.PASSED;
        draining = true;
        trace.isDrained();
        for (Strand strand : List.copyOf(waiting)) {
            strand.thread.interrupt();
        }
        int most = trace.steps() + 100 + 10 * strands.size();
        settle();
        while (!ready.isEmpty() && trace.steps() < most && ending == Ending.PASSED) {
            step();
            settle();
        }
        ending = how;
    }

    // ---- what the threads do ----

    /** Notes that a thread has failed. */
    void threw(Throwable failure) {
        if (!draining && !(failure instanceof Ended)) {
            fail(Ending.THREW, failure, "");
        }
    }

    /** Ends the running thread, which was about to end the JVM; its schedule fails. */
    void exits(int status) {
        Strand self = running;
        if (self != null && !draining) {
            fail(Ending.EXIT, new Throwable("the call"), self.name() + " called System.exit(" + status
                    + "), which would have ended this JVM");
        }
        throw new Ended("the JVM goes on");
    }

    /** A memory point, at which another thread may go on, before an access to a part of a place. */
    void point(@Nullable Object place, int part, boolean writes, int site) {
        Strand self = running;
        if (self == null) {
            return;
        }
        self.place = place;
        self.part = part;
        self.writes = writes;
        self.site = site;
        points++;
        turns = 0;
        endIfEndless();
        if (draining) {
            return;
        }
        chooser.reaches(self);
        if (races != null) {
            races.arrives(self);
        }
        chooser.decisionAfter(self);
        if (chooser.interferes(self, ready) && (!ready.isEmpty() || mayBeUnblocked())) {
            madeWay = true;
            Thread.yield();
            if (madeWay) { // the same step: it could not suspend here
                madeWay = false;
                chooser.begins(self);
            }
        } else {
            chooser.begins(self);
        }
        if (recording != null) {
            recording.access(self);
        }
        if (races != null && !draining) {
            races.goesOn(self, place, part, writes, site);
        }
    }

    /** Tells the data races what the running thread does, if they are looked for. */
    void onRaces(BiConsumer<DataRaces, Strand> does) {
        Strand self = running;
        if (races != null && self != null && !draining) {
            does.accept(races, self);
        }
    }

    /** A method with memory points begins. */
    int enters() {
        Strand self = running;
        return races == null || self == null || draining ? DataRaces.FROM_INSIDE : races.enters(self);
    }

    private void endIfEndless() {
        if (points + trace.steps() >= stepLimit || over) {
            fail(Ending.STEP_LIMIT, null, "");
            Thread.yield();
            throw new Ended("the schedule has more steps than its limit");
        }
    }

    /** The end of a turn of a loop. */
    void turn() {
        Strand self = running;
        if (self != null && ++turns >= TURNS) {
            turns = 0;
            points++;
            endIfEndless();
            Thread.yield(); // it may wait for another
        }
    }

    /** Returns the values that are the same in every schedule. */
    PinnedValues.Given pinned() {
        return pinned;
    }

    private Strand strand(int number) {
        for (Strand strand : strands.values()) {
            if (strand.number == number) {
                return strand;
            }
        }
        throw new AssertionError("there is no thread " + number);
    }

    /** Returns the number of a thread of this schedule; -1 for others. */
    int numberOf(Thread thread) {
        for (Strand strand : strands.values()) {
            if (strand.thread == thread) {
                return strand.number;
            }
        }
        return -1;
    }

    /** Returns whether a wait that begins now ends without a reason. */
    boolean wakesForNoReason() {
        Strand self = running;
        if (self == null || draining) {
            return false;
        }
        self.waits++;
        if (!chooser.wakesForNoReason(self)) {
            return false;
        }
        trace.add(new Script.Wake(self.number, self.waits));
        return true;
    }

    /** Has the next wait of the running thread, which is timed, end at once: when the thread is chosen again. */
    void wakeSoon() {
        Strand self = running;
        if (self != null) {
            self.early = Strand.Early.NEXT;
        }
    }

    /** Called when that wait is over. */
    void hasWoken() {
        Strand self = running;
        if (self != null) {
            self.early = Strand.Early.NO;
        }
    }

    /** Called, from any thread, when a thread of this schedule can go on. */
    void canGoOn(Runnable continuation) {
        Thread carrier = OwnScheduler.currentCarrier();
        if (carrier == driver) {
            if (!looking && !over) {
                makeReady(strand(continuation));
            }
        } else if (!over) {
            if (MonitorFence.isUnblocker(carrier)) {
                unblocked.add(continuation);
            } else if (outside == null) {
                Thread by = Thread.currentThread();
                outside = new Waking(
                        continuation,
                        new Throwable((by.isVirtual() ? "virtual" : "platform") + " thread \"" + by.getName() + '"'));
            }
            LockSupport.unpark(driver);
        }
    }

    // ---- time, for the threads ----

    /** Returns the end of a wait of the JDK. */
    OwnScheduler.Timeout wakeAfter(long nanos, Runnable timeout) {
        Strand self = running;
        boolean isReal = !VirtualTime.isSet();
        if (self != null && self.early == Strand.Early.NEXT) {
            self.early = Strand.Early.NOW;
            return clock.wakeNow(isReal, timeout);
        }
        return clock.wakeAfter(nanos, isReal, true, timeout);
    }

    /** Does for threads under exploration what {@link Timers} does for others; returns null for others. */
    private static @Nullable Future<?> after(Duration delay, Runnable action) {
        ScheduleRun run = ScheduleDriver.currentRun();
        return run == null ? null : run.wakeAfter(Timers.nanos(delay), () -> run.threads.start(action));
    }

    /** Runs a task of the common pool in a thread of this schedule. */
    void fork(Runnable task) {
        threads.start(task);
    }

    /** Runs a delayed task of the common pool in a thread of this schedule when its time has come. */
    void delay(ScheduledFuture<?> task) {
        clock.startAfter(task, () -> threads.start(() -> ((ForkJoinTask<?>) task).quietlyInvoke()));
    }

    /** Returns how long this schedule has lasted, on its own clock. */
    long elapsed() {
        return clock.now();
    }

    /** Returns the same for a thread that may be reading the clock until some time has passed. */
    long look() {
        return clock.look(running);
    }

    /** Waits. The calling thread belongs to this schedule. */
    void sleep(long nanos) throws InterruptedException {
        Thread sleeper = Thread.currentThread();
        Strand self = Objects.requireNonNull(running);
        var ended = new boolean[1];
        OwnScheduler.Timeout timer = clock.wakeAfter(nanos, false, false, () -> {
            ended[0] = true;
            LockSupport.unpark(sleeper);
        });
        self.sleeps = true;
        try {
            while (!ended[0]) {
                if (Thread.interrupted()) {
                    timer.cancel(false);
                    throw new InterruptedException();
                }
                LockSupport.park(this);
            }
        } finally {
            self.sleeps = false;
        }
    }

    /** Lets time pass. */
    void pass(long nanos) {
        clock.pass(nanos);
    }

    // ---- results ----

    private void record(Strand strand, ScheduleRecording into) {
        boolean ended = strand.thread.getState() == Thread.State.TERMINATED;
        StackTraceElement[] before = strand.suspended;
        StackTraceElement[] after = ended ? null : stack(strand);
        strand.suspended = after;
        into.step(strand, before, after, madeWay);
    }

    /** Reads a stack; for that the JDK submits a ready thread once more, which is ignored. */
    private StackTraceElement[] stack(Strand strand) {
        looking = true;
        try {
            return strand.thread.getStackTrace();
        } finally {
            looking = false;
        }
    }

    /** Returns the threads that have not ended, with their stacks. */
    String stacks() {
        var text = new StringBuilder();
        List<Strand> left = new ArrayList<>(waiting);
        left.addAll(ready);
        left.sort(Comparator.comparingInt(strand -> strand.number));
        for (Strand strand : left) {
            text.append(strand.name()).append(strand.ready ? " could go on:\n" : " waits:\n");
            Frames.append(text, stack(strand));
        }
        return text.toString();
    }

    /** Returns whether the only failure is that the common pool was in use, perhaps by another test. */
    boolean guessesCommonPool() {
        return guessesCommonPool;
    }

    /** Returns the present moment, for the driver's caller; null between two steps. */
    @Nullable Moment moment() {
        Strand strand = running;
        return strand == null ? null : new Moment(this, strand, trace.steps(), points);
    }

    /** Ends the run without a result, when the driver's caller has given up. */
    void abandon() {
        over = true;
        Strand strand = running;
        if (strand != null) {
            strand.thread.interrupt();
        }
    }

    /** Returns the stack of the running thread, for the driver's caller. */
    String stackOfRunning() {
        var text = new StringBuilder();
        Strand strand = running;
        if (strand != null) {
            text.append(strand.name()).append(" is at:\n");
            Frames.append(text, strand.thread.getStackTrace());
        }
        return text.toString().stripTrailing();
    }

    /** Returns whether the thread that ran last ends the JVM; for a thread that was started by that. */
    boolean isExiting() {
        Strand strand = last;
        return strand != null && Exit.isOn(strand.thread.getStackTrace());
    }

    /** Returns the thread that ran last with its stack; for a thread that was started by that. */
    String stackOfLast() {
        Strand strand = Objects.requireNonNull(last);
        var text = new StringBuilder(strand.name()).append(" is at:\n");
        Frames.append(text, strand.thread.getStackTrace());
        return text.toString().stripTrailing();
    }

    long seed() {
        return seed;
    }

    Ending ending() {
        return ending;
    }

    @Nullable Throwable cause() {
        return cause;
    }

    String detail() {
        return detail;
    }

    /** Returns what happened in this run, which was recorded, and the end of it. */
    ScheduleRecording recording() {
        ScheduleRecording recorded = Objects.requireNonNull(recording, "it was not recorded");
        List<Strand> left = new ArrayList<>(waiting);
        left.sort(Comparator.comparingInt(strand -> strand.number));
        recorded.end(ending, cause, left, last);
        return recorded;
    }

    /** Returns the number of decisions, for PCT. */
    int decisions() {
        return (int) Math.min(Integer.MAX_VALUE, trace.steps() + points);
    }

    /** Returns how long this schedule has really waited. */
    long reallyWaited() {
        return VirtualTime.isSet() ? 0 : clock.passedByJdk();
    }

    /** Returns how many threads have not ended. */
    int threadsLeft() {
        return waiting.size() + ready.size();
    }

    /** Returns the data races with their stacks; empty if there is none, or if none were looked for. */
    String races() {
        return races == null ? "" : races.text();
    }

    /** Returns a hash that almost surely differs between different schedules. */
    long hash() {
        return trace.hash();
    }

    ScheduleTrace trace() {
        return trace;
    }

    /**
     * Returns the first step in which another thread ran, or the same thread ran for longer or shorter; -1 if there is
     * none.
     */
    int firstDifference(ScheduleRun other) {
        int different = trace.firstDifference(other.trace);
        return different >= 0 || ending == other.ending ? different : Math.min(trace.steps(), other.trace.steps());
    }
}
