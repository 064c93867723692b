package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Beans;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Timers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the open loops of this JVM now and then: which are held by a coroutine, and which are stuck.
 *
 * <p>A loop does nothing for it but count its turns. One daemon thread looks at the counts, as often as the loop that is
 * watched most closely wants, and ends some time after the last loop that is watched has been closed. A count that stays
 * the same while the loop does not wait is a turn that lasts; time counts from the first look that saw it, so that what is
 * said is the least it can have been, and no more of it than two steps at once, so that a pause of the whole JVM, in which
 * this thread stood still as well, is not taken for a turn.
 *
 * <p>A call of the JDK that is known to block - for a file, a process, a host's name - is told of sooner: computing for a tenth of
 * a second may be meant, waiting there never is. For that, looks come closer together while a loop has a turn, and a turn that lasts has its
 * stack read twice: a coroutine that was in such a call both times is in it, or in one after another. A loop that waits costs no more looks.
 */
final class LoopWatch {
    /** Long enough for a bug in most programs, and for no pause that is none. */
    static final Duration DEFAULT_THRESHOLD = Duration.ofSeconds(1);
    /** The threshold of loops that do not say. */
    static final String PROPERTY = "sennit.loop.watch";

    /** How long a turn may last that is in a call that blocks, if the threshold is not shorter. */
    private static final long BLOCKING_THRESHOLD = TimeUnit.MILLISECONDS.toNanos(100);
    /** While a loop has a turn. */
    private static final long CLOSE_STEP = BLOCKING_THRESHOLD / 2;

    private static final int LOOKS_IN_A_THRESHOLD = 4;
    private static final long LEAST_STEP = TimeUnit.MILLISECONDS.toNanos(1);
    /** However far apart the looks at the loops may be: whoever asks for them from outside waits for this one. */
    private static final long LONGEST_STEP = TimeUnit.MILLISECONDS.toNanos(500);
    /** A loop that stays quiet is looked at for a circle after twice the time again and again, up to so many times the first. */
    private static final long MOST_BETWEEN_PROOFS = 64;

    private static final long LINGER = TimeUnit.SECONDS.toNanos(2);

    private static final Map<EventLoop, LoopWatch> OPEN = new ConcurrentHashMap<>();
    private static final Object LOCK = new Object();
    /** Guarded by LOCK. The thread that looks, while there is one. */
    private static @Nullable Thread watcher;

    /**
     * What to look for, and whom to tell.
     *
     * @param threshold how long a turn may last, in nanoseconds; 0 if forever
     * @param quiet how long the loop may wait for others before that is told, in nanoseconds; 0 if forever
     */
    record Settings(long threshold, Consumer<BlockedCoroutine> onBlocked, long quiet, Consumer<String> onDeadlock) {
        /** How long to wait for others until it is worth to look for a circle of locks. */
        private long untilProof() {
            return threshold == 0 ? quiet : threshold;
        }

        private long step() {
            long shortest = threshold == 0 ? quiet : quiet == 0 ? threshold : Math.min(threshold, quiet);
            return shortest == 0 ? 0 : Math.max(LEAST_STEP, shortest / LOOKS_IN_A_THRESHOLD);
        }
    }

    private final EventLoop loop;
    private final CoroutineScheduler scheduler;
    private final Settings settings;

    // Only the thread that looks:
    private long turns = -1;
    private long held;
    private long quiet;
    /** Whether the stack of the turn was read. */
    private boolean read;
    /** Whether it was seen in calls that block then, and in nothing else. */
    private boolean blocks;
    private boolean saidBlocked;
    private boolean saidDeadlock;
    /** How long it has to be quiet until the next look for a circle of locks. */
    private long untilProof;
    private boolean saidQuiet;

    private LoopWatch(EventLoop loop, CoroutineScheduler scheduler, Settings settings) {
        this.loop = loop;
        this.scheduler = scheduler;
        this.settings = settings;
    }

    static void logBlocked(BlockedCoroutine blocked) {
        EventLoop.LOG.log(System.Logger.Level.WARNING, blocked::toString);
    }

    static void logDeadlock(String report) {
        EventLoop.LOG.log(System.Logger.Level.WARNING, report);
    }

    static Duration defaultThreshold() {
        String given = System.getProperty(PROPERTY);
        return given == null ? DEFAULT_THRESHOLD : parse(PROPERTY, given);
    }

    /** A duration, or {@code off}. */
    static Duration parse(String name, String text) {
        return text.equals("off") ? Duration.ZERO : Durations.parse(name, text);
    }

    /** Nanoseconds; what is not positive means never. */
    static long nanos(Duration duration) {
        return Math.max(0, Timers.nanos(duration));
    }

    /** The loops that are open, by name. */
    static List<EventLoop> open() {
        return OPEN.keySet().stream()
                .sorted(java.util.Comparator.comparing(EventLoop::name))
                .toList();
    }

    static void add(EventLoop loop, CoroutineScheduler scheduler, Settings settings) {
        OPEN.put(loop, new LoopWatch(loop, scheduler, settings));
        if (settings.step() > 0) {
            synchronized (LOCK) {
                if (watcher == null) {
                    startWatcher();
                }
                LOCK.notifyAll(); // it may be waiting for longer than this loop wants
            }
        }
    }

    /** A loop is not watched where there is no thread for that; the next one that is opened tries again. */
    private static void startWatcher() {
        Thread thread = Thread.ofPlatform()
                .daemon()
                .name("sennit-loop-watch")
                .inheritInheritableThreadLocals(false) // nothing of whoever opens the first loop
                .unstarted(LoopWatch::watch);
        try {
            watcher = Backend.start(thread);
        } catch (OutOfMemoryError e) {
            EventLoop.LOG.log(System.Logger.Level.WARNING, "event loops are not watched: " + e.getMessage());
        }
    }

    static void remove(EventLoop loop) {
        OPEN.remove(loop);
    }

    private static void watch() {
        Beans.offer(LoopsMXBean.NAME, Loops::new);
        long last = Backend.current().nanoTime();
        long idleSince = last;
        boolean closely = false;
        while (true) {
            long step = OPEN.values().stream()
                    .mapToLong(one -> one.settings.step())
                    .filter(one -> one > 0)
                    .min()
                    .orElse(0);
            long pause = step == 0 ? LINGER : Math.min(step, closely ? CLOSE_STEP : LONGEST_STEP);
            boolean mayEnd = step == 0 && last - idleSince > LINGER;
            if (mayEnd) {
                Beans.withdraw(LoopsMXBean.NAME); // without the lock: the server has listeners of the application
            }
            synchronized (LOCK) {
                if (mayEnd && OPEN.values().stream().noneMatch(one -> one.settings.step() > 0)) {
                    watcher = null;
                    return;
                }
                if (mayEnd) { // a loop was opened meanwhile
                    Beans.offer(LoopsMXBean.NAME, Loops::new);
                }
                try {
                    TimeUnit.NANOSECONDS.timedWait(LOCK, pause);
                } catch (InterruptedException e) {
                    // nobody's business
                }
            }
            long now = Backend.current().nanoTime();
            closely = false;
            for (LoopWatch one : OPEN.values()) {
                try {
                    one.look(Math.min(now - last, 2 * Math.min(one.settings.step(), pause)));
                    closely |= one.wantsACloseLook();
                } catch (RuntimeException | Error e) { // of whom it told, as a rule
                    one.sayFailed(e);
                }
            }
            Loops.registerIfAskedFor();
            idleSince = step == 0 ? idleSince : now;
            last = now;
        }
    }

    private void sayFailed(Throwable e) {
        try {
            EventLoop.LOG.log(System.Logger.Level.WARNING, () -> loop.name() + " - watching it failed: " + e, e);
        } catch (RuntimeException | Error ofTheLogger) {
            // which may be what has failed in the first place; the watch goes on
        }
    }

    /** One look, {@code elapsed} nanoseconds after the one before. */
    private void look(long elapsed) {
        if (elapsed == 0) { // not watched
            return;
        }
        CoroutineScheduler.Doing doing = scheduler.doing();
        long seen = scheduler.turns();
        if (seen != turns) {
            turns = seen;
            held = 0;
            quiet = 0;
            read = false;
            saidBlocked = false;
            saidDeadlock = false;
            untilProof = settings.untilProof();
            saidQuiet = false;
            return;
        }
        held = doing == CoroutineScheduler.Doing.TURNS ? held + elapsed : 0;
        quiet = doing == CoroutineScheduler.Doing.WAITS_FOR_OTHERS && loop.waitsForItself() ? quiet + elapsed : 0;
        if (settings.threshold > 0 && held > 0 && !saidBlocked) {
            lookAtTurn();
        }
        if (quiet > 0) {
            lookForDeadlock();
        }
    }

    /** Whether it has a turn of which there may be something to say soon. */
    private boolean wantsACloseLook() {
        return settings.threshold > 0 && !saidBlocked && scheduler.doing() == CoroutineScheduler.Doing.TURNS;
    }

    private void lookAtTurn() {
        if (held < settings.threshold && read && !blocks) {
            return; // it computes, now and then at least
        }
        Thread running = loop.running();
        if (running == null) {
            return;
        }
        StackTraceElement[] stack = running.getStackTrace();
        if (scheduler.turns() != turns || stack.length == 0) {
            return; // it has just gone on
        }
        boolean again = read;
        blocks = (blocks || !read) && Frames.blocks(stack);
        read = true;
        if (held >= settings.threshold || again && blocks && held >= BLOCKING_THRESHOLD) {
            saidBlocked = true;
            settings.onBlocked.accept(new BlockedCoroutine(
                    loop.name(), loop.nameOf(running), Duration.ofNanos(held), blocks, Frames.ofTask(stack)));
        }
    }

    private void lookForDeadlock() {
        if (quiet >= untilProof && !saidDeadlock) {
            // A thread of another kind may close the circle later, which is no turn of this loop. Each look goes over all coroutines.
            untilProof = quiet + Math.min(quiet, MOST_BETWEEN_PROOFS * settings.untilProof());
            String found = loop.deadlocks();
            if (!found.isEmpty()) {
                saidDeadlock = true;
                saidQuiet = true;
                settings.onDeadlock.accept(found + System.lineSeparator() + loop.report());
                return;
            }
        }
        if (settings.quiet > 0 && quiet >= settings.quiet && !saidQuiet) {
            saidQuiet = true;
            settings.onDeadlock.accept(loop.name() + " - nothing happens any more: no coroutine is ready, none sleeps, and if no"
                    + " other thread wakes one they wait forever" + System.lineSeparator() + loop.report());
        }
    }
}
