package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.Timers;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One schedule of a body, whose virtual threads all run on the platform thread that calls {@link #run}, the driver.
 *
 * <h2>Steps</h2>
 * The driver picks one of the threads that can go on and runs it until it suspends or ends: a step. Then it finds out who can
 * go on now, and picks again. Where there are memory points the running thread asks at each whether to make way, which ends
 * the step.
 *
 * <h2>Why a seed brings a schedule back</h2>
 * What is decided follows from the seed and from who could go on at each step. A thread that is started, unparked or
 * interrupted by another arrives here at once, within the step. One that waits for a monitor is made ready by a thread of the
 * JDK's, sooner or later: so while any waits for one, the driver waits for that thread after each step ({@link
 * MonitorFence}), and takes what has arrived in the order of the threads' numbers. Whatever else makes a thread ready from
 * outside is not for us to order: it ends the schedule as a failure which says who it was.
 *
 * <h2>Time</h2>
 * Running takes none: when nobody can go on, the clock of the schedule goes to the end of the next timed wait. Delays are
 * rounded up to milliseconds, so that the order of two does not follow from how long it took to begin them, and both can be
 * the first to go on.
 *
 * <p>Code of the JDK's that was woken looks at the clock again, and waits again for what is left. With the agent ({@link
 * VirtualTime}) that clock is the one of the schedule. Without, it is the machine's: to wake a thread early would only make
 * it look and wait, again and again; so the driver waits as long as the wait is meant to last. A {@link VirtualClock} is
 * always that of the schedule.
 *
 * <p>A loop that looks at the clock and yields would never end, if nothing moved the clock: so it goes on a little, and more
 * each time, when a thread looks at it often and waits for nothing meanwhile.
 */
final class ScheduleRun {
    enum Ending {
        PASSED,
        THREW,
        DEADLOCK,
        STEP_LIMIT,
        OUTSIDE
    }

    /** What a run is for. */
    enum Purpose {
        /** To see how it ends. */
        LOOK,
        /** The same, but others come after it even if it fails: it takes no longer than it has to, and leaves little behind. */
        COUNT,
        /** To tell its steps. */
        RECORD
    }

    /** Who really waits for longer than that - an executor that is being closed waits for a day - waits for ever. */
    private static final long LONGEST_WAIT = TimeUnit.MINUTES.toNanos(1);
    /**
     * The same, where waiting costs nothing. Of the JDK's waits it is all together, as such an executor waits for a day again and
     * again.
     */
    private static final long LONGEST_TIME = TimeUnit.DAYS.toNanos(1000);

    private static final long SECOND_LOOK = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long ROUNDED_TO = TimeUnit.MILLISECONDS.toNanos(1);
    /** A thread that looks at the clock so often, and waits for nothing meanwhile, lets some time pass; from then on sooner. */
    private static final int LOOKS_AT_FIRST = 1000;

    private static final int LOOKS_LATER = 100;
    private static final int MAX_STRIDE = 30;

    static {
        // The thread that it waits for would wait for its initialization, if that began with a schedule under way.
        MonitorFence.await();
        Timers.askFirst(ScheduleRun::after);
    }

    /** Thrown at a memory point of a thread that cannot suspend and does not end. */
    private static final class Endless extends Error {
        private static final long serialVersionUID = 1L;

        Endless() {
            super("the schedule has more steps than its limit", null, false, false);
        }
    }

    /** The end of a wait. */
    private static class Timer extends OwnScheduler.Timeout {
        /** By the clock of the schedule. */
        final long at;
        /** By that of the machine, unless nobody who waits looks at that. */
        final long due;

        final boolean isReal;
        /** Whether it is one of the JDK's, not of a {@link VirtualClock}. */
        final boolean isOfJdk;

        final long number;
        final Runnable timeout;

        Timer(long at, long due, boolean isReal, boolean isOfJdk, long number, Runnable timeout) {
            this.at = at;
            this.due = due;
            this.isReal = isReal;
            this.isOfJdk = isOfJdk;
            this.number = number;
            this.timeout = timeout;
        }

        boolean isOff() {
            return isCancelled();
        }
    }

    /** Somebody made a thread go on: the throwable knows who, and where that one was. */
    private record Waking(Runnable continuation, Throwable by) {}

    /** Seen in the midst of a step, from outside. */
    record Moment(ScheduleRun run, Strand strand, int step, long point, long at) {
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

    // ---- only the driver and the threads that it carries ----

    private final Map<Runnable, Strand> strands = new IdentityHashMap<>();
    private final List<Strand> ready = new ArrayList<>();
    /** Neither ready, nor running, nor ended. */
    private final List<Strand> waiting = new ArrayList<>();

    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.<Timer>comparingLong(timer -> timer.at).thenComparingLong(timer -> timer.number));

    private final List<Step> steps = new ArrayList<>();
    private int[] trace = new int[32];
    private long hash = 1;
    private long now;
    /** How much of that passed in waits of the JDK's. */
    private long nowByJdk;
    private long timersMade;
    /** How often the clock moved because it was looked at, since it moved because nobody could go on. */
    private int strides;
    /** Whether the running thread suspends because a memory point says so. */
    private boolean madeWay;

    private @Nullable String toCommonPool;
    private boolean guessesCommonPool;
    private boolean looking;
    private boolean draining;
    private Ending ending = Ending.PASSED;
    private @Nullable Throwable cause;
    private String detail = "";

    // ---- written by them, read by whoever looks after the driver, who has seen `running` ----

    private int traced;
    private long points;
    private volatile @Nullable Strand running;

    // ---- any thread ----

    private final Queue<Runnable> unblocked = new ConcurrentLinkedQueue<>();
    /** The first there was. */
    private volatile @Nullable Waking outside;

    private volatile boolean over;

    ScheduleRun(ScheduleDriver driver, Chooser chooser, long seed, int stepLimit, Purpose purpose) {
        this.driver = driver;
        this.chooser = chooser;
        this.seed = seed;
        this.stepLimit = stepLimit;
        this.purpose = purpose;
        threads = driver.begin(this);
    }

    // ---- the driver ----

    void run(ScheduleExplorer.Body body) {
        OwnScheduler.forgetSubmissions();
        long stolen = ForkJoinPool.commonPool().getStealCount();
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
        } finally {
            over = true;
            driver.end(waiting.isEmpty() && ready.isEmpty() ? threads : null);
        }
    }

    /** Part of the body may have run there, even if nobody waited for it. */
    private void lookAtCommonPool(long stolenBefore) {
        if (toCommonPool != null) {
            fail(Ending.OUTSIDE, null, toCommonPool + " handed work to the common pool");
            return;
        }
        ForkJoinPool pool = ForkJoinPool.commonPool();
        if (VirtualTime.isSet() || pool.getStealCount() == stolenBefore && pool.isQuiescent()) {
            return;
        }
        // Without the agent nobody tells who handed it that: it may have been a test beside this one, but for a trace here.
        if (OwnScheduler.mayHaveSubmitted()) {
            guessesCommonPool = true;
            fail(Ending.OUTSIDE, null, "the common pool ran something meanwhile: parallel streams and CompletableFuture's"
                    + " ...Async methods without an executor do that (if another test did it, while this one drew from"
                    + " ThreadLocalRandom: with -javaagent:sennit.jar it is known who did)");
        }
    }

    /** The number of the running thread; -1 between two steps. */
    int numberOfRunning() {
        Strand self = running;
        return self == null ? -1 : self.number;
    }

    /** The running thread hands something to a pool. */
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
            } else if (bodyHasEnded()) {
                return;
            } else if (!endNextWait()) {
                nobodyGoesOn();
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

    private void step() {
        if (traced + points >= stepLimit) {
            fail(Ending.STEP_LIMIT, null, "");
            return;
        }
        int chosen = 0;
        if (ready.size() > 1) {
            chosen = chooser.choose(ready);
        }
        Strand strand = ready.get(chosen);
        Strand last = ready.removeLast();
        if (chosen < ready.size()) {
            ready.set(chosen, last);
        }
        strand.ready = false;
        madeWay = false;
        long pointsBefore = points;
        running = strand;
        strand.continuation.run();
        running = null;

        if (traced == trace.length) {
            trace = Arrays.copyOf(trace, 2 * traced);
        }
        trace[traced++] = strand.number;
        hash = (hash * 31 + strand.number) * 0x9E3779B97F4A7C15L + (points - pointsBefore);
        if (strand.ready) {
            if (!madeWay) {
                chooser.yielded(strand);
            }
        } else if (strand.thread.getState() != Thread.State.TERMINATED) {
            waiting.add(strand);
            strand.looks = 0;
        }
        if (!madeWay) {
            chooser.decisionAfter(strand);
        }
        if (purpose == Purpose.RECORD && !draining) {
            record(strand);
        }
    }

    /** Finds out who can go on. */
    private void settle() {
        Timer first = timers.peek();
        if (first != null && first.at <= now) {
            endWaits();
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

    /** Whether anybody waits for a monitor, or did and has not arrived yet. */
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
        strands.put(continuation, made);
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
            if (strand != running) {
                waiting.remove(strand);
            }
        }
    }

    /** Lets time pass until somebody can go on. */
    private boolean endNextWait() {
        Timer next = timers.peek();
        while (next != null && next.isOff()) {
            timers.remove();
            next = timers.peek();
        }
        if (next != null && isForEver(next)) { // a later one may cost nothing
            next = timers.stream()
                    .filter(timer -> !timer.isOff() && !isForEver(timer))
                    .min(timers.comparator())
                    .orElse(null);
        }
        if (next == null) {
            return false;
        }
        long passes = Math.max(0, next.at - now);
        now += passes;
        if (next.isOfJdk) {
            nowByJdk += passes;
        }
        strides = 0;
        endWaits();
        return true;
    }

    /** Whether its end would be no news for anybody. */
    private boolean isForEver(Timer timer) {
        return timer.isReal
                ? timer.due - System.nanoTime() > LONGEST_WAIT
                : timer.at - now > LONGEST_TIME - (timer.isOfJdk ? nowByJdk : 0);
    }

    /** All those that have ended; when the clock was advanced, without those that really would have to be waited for. */
    private void endWaits() {
        List<Timer> ended = new ArrayList<>();
        List<Timer> left = new ArrayList<>();
        for (Timer first = timers.peek(); first != null && first.at <= now; first = timers.peek()) {
            timers.remove();
            (first.isReal && isForEver(first) ? left : ended).add(first);
        }
        timers.addAll(left);
        for (Timer timer : ended) {
            if (timer.isReal && !timer.isOff()) {
                awaitReally(timer.due);
            }
        }
        for (Timer timer : ended) {
            if (!timer.isOff()) {
                timer.timeout.run();
            }
        }
    }

    private void awaitReally(long due) {
        for (long left = due - System.nanoTime(); left > 0 && outside == null && !over; left = due - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
        }
    }

    /**
     * Nobody of ours can go on; somebody from outside may be about to see to that, which is another failure. Where failures are
     * only counted nobody is given time for it.
     */
    private void nobodyGoesOn() {
        if (purpose != Purpose.COUNT) {
            long until = System.nanoTime() + SECOND_LOOK;
            for (long left = SECOND_LOOK; left > 0 && outside == null && unblocked.isEmpty(); left = until - System.nanoTime()) {
                LockSupport.parkNanos(this, left);
            }
        }
        if (outside != null) {
            failFromOutside();
        } else if (!unblocked.isEmpty()) {
            fail(Ending.OUTSIDE, null, "a thread outside ended, or left a monitor, for which "
                    + strand(unblocked.remove()).name() + " waited");
        } else {
            Timer next = timers.peek();
            fail(Ending.DEADLOCK, null, next == null
                    ? "and none waits for a time"
                    : "but for one that waits for a time which ends in "
                            + Duration.ofNanos(next.isReal ? next.due - System.nanoTime() : next.at - now)
                                    .truncatedTo(ChronoUnit.SECONDS));
        }
    }

    private void failFromOutside() {
        Waking waking = outside;
        if (waking != null) {
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

    /** Threads that wait for ever are kept by the JDK for ever; an interrupt ends most. */
    private void endThoseLeft() {
        Ending how = ending;
        ending = Ending.PASSED;
        draining = true;
        for (Strand strand : List.copyOf(waiting)) {
            strand.thread.interrupt();
        }
        int most = traced + 100 + 10 * strands.size();
        settle();
        while (!ready.isEmpty() && traced < most && ending == Ending.PASSED) {
            step();
            settle();
        }
        ending = how;
    }

    // ---- what the threads do ----

    /** A thread has failed. */
    void threw(Throwable failure) {
        if (!draining && !(failure instanceof Endless)) {
            fail(Ending.THREW, failure, "");
        }
    }

    /** A memory point: somebody else may go on here. */
    void point() {
        Strand self = running;
        if (self == null) {
            return;
        }
        points++;
        if (points + traced >= stepLimit || over) {
            fail(Ending.STEP_LIMIT, null, "");
            Thread.yield();
            throw new Endless();
        }
        if (draining) {
            return;
        }
        chooser.decisionAfter(self);
        if (chooser.interferes(self, ready) && (!ready.isEmpty() || mayBeUnblocked())) {
            madeWay = true;
            Thread.yield();
        }
    }

    /** A thread of this schedule can go on, says whoever calls. */
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

    /** The end of a wait of the JDK's. */
    OwnScheduler.Timeout wakeAfter(long nanos, Runnable timeout) {
        return add(nanos, !VirtualTime.isSet(), true, timeout);
    }

    private Timer add(long nanos, boolean isReal, boolean isOfJdk, Runnable timeout) {
        var timer = new Timer(endOf(nanos), isReal ? realEndOf(nanos) : 0, isReal, isOfJdk, timersMade++, timeout);
        timers.add(timer);
        return timer;
    }

    private long endOf(long nanos) {
        long asked = Math.max(0, nanos);
        long rounded = asked > Long.MAX_VALUE - ROUNDED_TO ? asked : (asked + ROUNDED_TO - 1) / ROUNDED_TO * ROUNDED_TO;
        return now + rounded < 0 ? Long.MAX_VALUE : now + rounded;
    }

    private static long realEndOf(long nanos) {
        return System.nanoTime() + Math.clamp(nanos, 0, Long.MAX_VALUE >> 1);
    }

    /** What {@link Timers} does for threads that are not under exploration; null for those. */
    private static @Nullable Future<?> after(Duration delay, Runnable action) {
        ScheduleRun run = ScheduleDriver.currentRun();
        return run == null ? null : run.wakeAfter(Timers.nanos(delay), () -> run.threads.start(action));
    }

    /** Runs a task of the common pool's in a thread of this schedule when its time has come. */
    void delay(ScheduledFuture<?> task) {
        Runnable start = () -> threads.start(() -> ((ForkJoinTask<?>) task).quietlyInvoke());
        timers.add(new Timer(endOf(task.getDelay(TimeUnit.NANOSECONDS)), 0, false, true, timersMade++, start) {
            @Override
            boolean isOff() {
                return task.isDone();
            }
        });
    }

    /** How long this schedule has lasted, by its own clock. */
    long elapsed() {
        return now;
    }

    /** The same, for a thread that may do nothing but look until some time has passed. */
    long look() {
        Strand self = running;
        if (self != null && ++self.looks > (strides == 0 ? LOOKS_AT_FIRST : LOOKS_LATER)) {
            self.looks = 0;
            now += ROUNDED_TO << strides;
            strides = Math.min(MAX_STRIDE, strides + 1);
        }
        return now;
    }

    /** Waits in the calling thread, which is of this schedule. */
    void sleep(long nanos) throws InterruptedException {
        Thread sleeper = Thread.currentThread();
        var ended = new boolean[1];
        Timer timer = add(nanos, false, false, () -> {
            ended[0] = true;
            LockSupport.unpark(sleeper);
        });
        while (!ended[0]) {
            if (Thread.interrupted()) {
                timer.cancel(false);
                throw new InterruptedException();
            }
            LockSupport.park(this);
        }
    }

    /** Lets time pass. */
    void pass(long nanos) {
        now = now + nanos < 0 ? Long.MAX_VALUE : now + nanos;
    }

    // ---- what there is to tell ----

    private void record(Strand strand) {
        StackTraceElement[] before = strand.suspended;
        String from = before == null ? "start" : Frames.where(before);
        String to;
        if (strand.thread.getState() == Thread.State.TERMINATED) {
            to = "end";
        } else {
            StackTraceElement[] after = stack(strand);
            strand.suspended = after;
            to = Frames.where(after);
        }
        steps.add(new Step(strand.name(), from, to));
    }

    /** To look at a stack makes the JDK hand over a thread that is ready once more. */
    private StackTraceElement[] stack(Strand strand) {
        looking = true;
        try {
            return strand.thread.getStackTrace();
        } finally {
            looking = false;
        }
    }

    /** Those that have not ended, with where they are. */
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

    /** Whether all that is wrong is that the common pool was in use, perhaps by somebody else. */
    boolean guessesCommonPool() {
        return guessesCommonPool;
    }

    /** For whoever looks after the driver; null between two steps. */
    @Nullable Moment moment() {
        Strand strand = running;
        return strand == null ? null : new Moment(this, strand, traced, points, System.nanoTime());
    }

    /** For whoever gives up on the driver: what it still does leads to nothing. */
    void abandon() {
        over = true;
        Strand strand = running;
        if (strand != null) {
            strand.thread.interrupt();
        }
    }

    /** For whoever looks after the driver. */
    String stackOfRunning() {
        var text = new StringBuilder();
        Strand strand = running;
        if (strand != null) {
            text.append(strand.name()).append(" is at:\n");
            Frames.append(text, strand.thread.getStackTrace());
        }
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

    List<Step> steps() {
        return List.copyOf(steps);
    }

    /** How many decisions there were, for PCT. */
    int decisions() {
        return (int) Math.min(Integer.MAX_VALUE, traced + points);
    }

    /** Different for different schedules, in all likelihood. */
    long hash() {
        return hash;
    }

    /** The first step in which another thread went on, or it went on for longer; -1 if there is none. */
    int firstDifference(ScheduleRun other) {
        int common = Math.min(traced, other.traced);
        int different = Arrays.mismatch(trace, 0, common, other.trace, 0, common);
        if (different >= 0) {
            return different;
        }
        return traced == other.traced && hash == other.hash && ending == other.ending ? -1 : common;
    }
}
