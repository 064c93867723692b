package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One schedule of a body: the scheduler of its virtual threads, which all run on the platform thread that calls {@link #run},
 * the driver.
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
 * Running takes none: when nobody can go on, the clock of the schedule goes to the end of the next timed wait. The driver
 * waits that long too, as code of the JDK's that waits looks at the real clock again. Delays are rounded up to milliseconds,
 * so that the order of two does not follow from how long it took to begin them.
 */
final class ScheduleRun extends OwnScheduler {
    enum Ending {
        PASSED,
        THREW,
        DEADLOCK,
        STEP_LIMIT,
        OUTSIDE
    }

    /** Who waits for longer than that - an executor that is being closed waits for a day - waits for ever. */
    private static final long LONGEST_WAIT = TimeUnit.MINUTES.toNanos(1);

    /** Those that run, by their driver. */
    private static final Map<Thread, ScheduleRun> RUNNING = new ConcurrentHashMap<>();

    static {
        // The thread that it waits for would wait for its initialization, if that began with a schedule under way.
        MonitorFence.await();
    }

    private static final long SECOND_LOOK = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long ROUNDED_TO = TimeUnit.MILLISECONDS.toNanos(1);

    /** Thrown at a memory point of a thread that cannot suspend and does not end. */
    private static final class Endless extends Error {
        private static final long serialVersionUID = 1L;

        Endless() {
            super("the schedule has more steps than its limit", null, false, false);
        }
    }

    private static final class Timer extends Timeout {
        final long at;
        final long due;
        final long number;
        final Runnable timeout;

        Timer(long at, long due, long number, Runnable timeout) {
            this.at = at;
            this.due = due;
            this.number = number;
            this.timeout = timeout;
        }
    }

    /** Somebody made a thread go on: the throwable knows who, and where that one was. */
    private record Waking(Runnable continuation, Throwable by) {}

    private final Thread driver = Thread.currentThread();
    private final Chooser chooser;
    private final int stepLimit;
    private final boolean recording;

    // ---- only the driver and the threads that it carries ----

    private final Map<Runnable, Strand> strands = new IdentityHashMap<>();
    private final List<Strand> ready = new ArrayList<>();
    /** Neither ready, nor running, nor ended. */
    private final List<Strand> waiting = new ArrayList<>();

    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.<Timer>comparingLong(timer -> timer.at).thenComparingLong(timer -> timer.number));

    private final List<Step> steps = new ArrayList<>();
    private int[] trace = new int[32];
    private int traced;
    private long hash = 1;
    private long points;
    private long now;
    private long timersMade;
    private @Nullable Strand running;
    /** Whether the running thread suspends because a memory point says so. */
    private boolean madeWay;

    private boolean commonPool;
    private boolean looking;
    private boolean draining;
    private Ending ending = Ending.PASSED;
    private @Nullable Throwable cause;
    private String detail = "";

    // ---- any thread ----

    private final Queue<Runnable> unblocked = new ConcurrentLinkedQueue<>();
    /** The first there was. */
    private volatile @Nullable Waking outside;

    private volatile boolean over;

    ScheduleRun(Chooser chooser, int stepLimit, boolean recording) {
        this.chooser = chooser;
        this.stepLimit = stepLimit;
        this.recording = recording;
    }

    /** That of the calling virtual thread; null if it is of none. */
    static @Nullable ScheduleRun current() {
        return RUNNING.isEmpty() || !Thread.currentThread().isVirtual() ? null : RUNNING.get(currentCarrier());
    }

    // ---- the driver ----

    void run(ScheduleExplorer.Body body) {
        if (RUNNING.putIfAbsent(driver, this) != null) {
            throw new IllegalStateException("an exploration within an exploration");
        }
        long stolen = ForkJoinPool.commonPool().getStealCount();
        try {
            threads().start(() -> {
                try {
                    body.run();
                } catch (Throwable e) {
                    threw(e);
                }
            });
            drive();
            if (ending == Ending.PASSED && commonPoolRan(stolen)) {
                commonPool = true;
                fail(Ending.OUTSIDE, null, "the common pool ran something meanwhile: parallel streams and CompletableFuture's"
                        + " ...Async methods without an executor do that");
            }
            if (ending == Ending.PASSED) {
                endThoseLeft();
            }
        } finally {
            over = true;
            RUNNING.remove(driver);
        }
    }

    private static boolean commonPoolRan(long stolenBefore) {
        ForkJoinPool pool = ForkJoinPool.commonPool();
        return pool.getStealCount() != stolenBefore || !pool.isQuiescent();
    }

    private void drive() {
        while (ending == Ending.PASSED) {
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
        }
        if (!madeWay) {
            chooser.decisionAfter(strand);
        }
        if (recording && !draining) {
            record(strand);
        }
    }

    /** Finds out who can go on. */
    private void settle() {
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
        Thread thread = threadOf(continuation);
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
        Timer next = timers.poll();
        while (next != null && next.isCancelled()) {
            next = timers.poll();
        }
        if (next == null) {
            return false;
        }
        if (next.due - System.nanoTime() > LONGEST_WAIT) { // its end would be no news for anybody
            timers.add(next);
            return false;
        }
        now = next.at;
        List<Timer> ended = new ArrayList<>(List.of(next));
        while (!timers.isEmpty() && timers.peek().at == now) {
            ended.add(timers.remove());
        }
        for (Timer timer : ended) {
            awaitReally(timer.due);
        }
        for (Timer timer : ended) {
            if (!timer.isCancelled()) {
                timer.timeout.run();
            }
        }
        return true;
    }

    private void awaitReally(long due) {
        for (long left = due - System.nanoTime(); left > 0 && outside == null; left = due - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
        }
    }

    /** Nobody of ours can go on; somebody from outside may be about to see to that, which is another failure. */
    private void nobodyGoesOn() {
        long until = System.nanoTime() + SECOND_LOOK;
        for (long left = SECOND_LOOK; left > 0 && outside == null && unblocked.isEmpty(); left = until - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
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
                            + Duration.ofNanos(next.due - System.nanoTime()).truncatedTo(ChronoUnit.SECONDS));
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
        ending = Ending.PASSED;
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
        if (points + traced >= stepLimit) {
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

    @Override
    public void execute(Runnable continuation) {
        Thread carrier = currentCarrier();
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

    @Override
    public Timeout schedule(Runnable timeout, long delay, TimeUnit unit) {
        long nanos = Math.max(0, unit.toNanos(delay));
        long rounded = nanos > Long.MAX_VALUE - ROUNDED_TO ? nanos : (nanos + ROUNDED_TO - 1) / ROUNDED_TO * ROUNDED_TO;
        long at = now + rounded < 0 ? Long.MAX_VALUE : now + rounded;
        var timer = new Timer(at, System.nanoTime() + Math.min(nanos, Long.MAX_VALUE >> 1), timersMade++, timeout);
        timers.add(timer);
        return timer;
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
    boolean blamesCommonPool() {
        return commonPool;
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

    int stepCount() {
        return traced;
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
