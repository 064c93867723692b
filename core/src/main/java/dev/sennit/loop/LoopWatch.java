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
 * Watches the open loops of this JVM: reports loops that a coroutine holds up, and loops that are stuck.
 *
 * <p>A loop only counts its turns. One daemon thread, the watcher, looks at the counts as often as the loop with the
 * shortest threshold needs, and ends some time after the last watched loop has closed. A count that stays the same
 * while the loop does not wait is a long turn. Its time counts from the first look that saw it, so that a report never
 * says too much. One look adds at most two steps, so that a pause of the whole JVM, in which the watcher stood still as
 * well, is not taken for a turn.
 *
 * <p>A JDK call that is known to block - for a file, a process, a host's name - is reported sooner: a computation of a
 * tenth of a second may be intended, a blocking call never is. For that, the watcher looks more often while a loop has
 * a turn, and reads the stack of a long turn twice: a coroutine that was in such a call both times is in one blocking
 * call, or in one after another. A loop that waits costs no more looks.
 */
final class LoopWatch {
    /** In most programs a turn of this length is a bug; shorter pauses often are none. */
    static final Duration DEFAULT_THRESHOLD = Duration.ofSeconds(1);
    /** The system property with the threshold of loops that set none. */
    static final String PROPERTY = "sennit.loop.watch";

    /** How long a turn may be in blocking calls, if the threshold is not shorter. */
    private static final long BLOCKING_THRESHOLD = TimeUnit.MILLISECONDS.toNanos(100);
    /** Between two looks while a loop has a turn. */
    private static final long CLOSE_STEP = BLOCKING_THRESHOLD / 2;

    private static final int LOOKS_IN_A_THRESHOLD = 4;
    private static final long LEAST_STEP = TimeUnit.MILLISECONDS.toNanos(1);
    /** At most this long between two looks: a tool that asks for the loops from outside waits for the next look. */
    private static final long LONGEST_STEP = TimeUnit.MILLISECONDS.toNanos(500);
    /** While a loop stays quiet, the time to the next search for a deadlock doubles, up to so many times the first. */
    private static final long MOST_BETWEEN_PROOFS = 64;

    private static final long LINGER = TimeUnit.SECONDS.toNanos(2);

    private static final Map<EventLoop, LoopWatch> OPEN = new ConcurrentHashMap<>();
    private static final Object LOCK = new Object();
    /** Guarded by LOCK. The watcher, while it runs. */
    private static @Nullable Thread watcher;

    /**
     * What to look for, and the listeners.
     *
     * @param threshold how long a turn may last, in nanoseconds; 0 for no limit
     * @param quiet how long the loop may wait for other threads before a report, in nanoseconds; 0 for no limit
     */
    record Settings(long threshold, Consumer<BlockedCoroutine> onBlocked, long quiet, Consumer<String> onDeadlock) {
        /** Returns how long a loop must wait for other threads before the first search for a deadlock. */
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

    // Only the watcher:
    private long turns = -1;
    private long held;
    private long quiet;
    /** Whether the stack of the current turn was read. */
    private boolean read;
    /** Whether every such stack was in a blocking call. */
    private boolean blocks;
    private boolean saidBlocked;
    private boolean saidDeadlock;
    /** How long the loop must be quiet until the next search for a deadlock. */
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

    /** Parses a duration, or {@code off}. */
    static Duration parse(String name, String text) {
        return text.equals("off") ? Duration.ZERO : Durations.parse(name, text);
    }

    /** Returns nanoseconds; 0 for a duration that is not positive, which means never. */
    static long nanos(Duration duration) {
        return Math.max(0, Timers.nanos(duration));
    }

    /** Returns the open loops, sorted by name. */
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
                LOCK.notifyAll(); // the watcher may be in a longer pause than this loop wants
            }
        }
    }

    /** If no thread can be started, the loop is not watched; the next loop that opens tries again. */
    private static void startWatcher() {
        Thread thread = Thread.ofPlatform()
                .daemon()
                .name("sennit-loop-watch")
                .inheritInheritableThreadLocals(false) // keeps nothing of the thread that opens the first loop
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
                Beans.withdraw(LoopsMXBean.NAME); // without the lock, as the server calls listeners of the application
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
                    // nobody interrupts the watcher on purpose
                }
            }
            long now = Backend.current().nanoTime();
            closely = false;
            for (LoopWatch one : OPEN.values()) {
                try {
                    one.look(Math.min(now - last, 2 * Math.min(one.settings.step(), pause)));
                    closely |= one.wantsACloseLook();
                } catch (RuntimeException | Error e) { // of a listener, as a rule
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
            // the logger may be what has failed in the first place; the watcher goes on
        }
    }

    /** Looks at the loop, {@code elapsed} nanoseconds after the last look. */
    private void look(long elapsed) {
        if (elapsed == 0) { // the loop is not watched
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

    /** Returns whether the loop is in a turn that may have to be reported soon. */
    private boolean wantsACloseLook() {
        return settings.threshold > 0 && !saidBlocked && scheduler.doing() == CoroutineScheduler.Doing.TURNS;
    }

    private void lookAtTurn() {
        if (held < settings.threshold && read && !blocks) {
            return; // the turn computes, at least now and then
        }
        Thread running = loop.running();
        if (running == null) {
            return;
        }
        StackTraceElement[] stack = running.getStackTrace();
        if (scheduler.turns() != turns || stack.length == 0) {
            return; // the turn has just ended
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
            // A thread that is no coroutine may close the circle later, without a turn of this loop. A search reads all
            // coroutines.
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
            settings.onDeadlock.accept(
                    loop.name() + " - nothing happens any more: no coroutine is ready, none sleeps, and if no"
                            + " other thread wakes one they wait forever" + System.lineSeparator() + loop.report());
        }
    }
}
