package dev.sennit.loop;

import dev.sennit.Submission;
import dev.sennit.internal.OwnScheduler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The coroutines of a loop, from their submission to their end, and how they look from outside.
 *
 * <p>The references are strong, so that no submitted coroutine is ever lost. For any thread.
 */
final class Coroutines {
    private final Set<Coroutine> alive = ConcurrentHashMap.newKeySet();
    private final AtomicInteger numbers = new AtomicInteger();
    private final Runnable whenOneEnds;

    /** Creates an empty set. */
    Coroutines(Runnable whenOneEnds) {
        this.whenOneEnds = whenOneEnds;
    }

    Coroutine add(Submission<?> submission) {
        var coroutine = new Coroutine(this, submission, numbers.incrementAndGet());
        alive.add(coroutine);
        return coroutine;
    }

    /** Removes a coroutine that could not be started. */
    void remove(Coroutine coroutine) {
        alive.remove(coroutine);
    }

    /** Removes a coroutine that has run. */
    void ended(Coroutine coroutine) {
        alive.remove(coroutine);
        whenOneEnds.run();
    }

    boolean isEmpty() {
        return alive.isEmpty();
    }

    int size() {
        return alive.size();
    }

    Collection<Submission<?>> submissions() {
        return alive.stream().<Submission<?>>map(Coroutine::submission).toList();
    }

    /** Returns a tree of all coroutines with their states, which are read one after another. */
    CoroutineTree tree(String loop, EventLoop.Mechanism mechanism, @Nullable Thread running) {
        Map<Long, Coroutine> known = byThread();
        List<CoroutineTree.Node> nodes = new ArrayList<>(known.size());
        for (Coroutine coroutine : known.values()) {
            nodes.add(node(coroutine, Objects.requireNonNull(coroutine.thread()), running, known));
        }
        return CoroutineTree.of(loop, mechanism, nodes);
    }

    /** Returns the coroutines by the id of their thread, without those that are just being submitted. */
    private Map<Long, Coroutine> byThread() {
        Map<Long, Coroutine> known = new HashMap<>();
        for (Coroutine coroutine : alive) {
            Thread thread = coroutine.thread();
            if (thread != null) {
                known.put(thread.threadId(), coroutine);
            }
        }
        return known;
    }

    private static CoroutineTree.Node node(
            Coroutine coroutine, Thread thread, @Nullable Thread running, Map<Long, Coroutine> known) {
        Object blocker = LockSupport.getBlocker(thread);
        Thread.State seen = thread.getState();
        CoroutineTree.State state = switch (seen) {
            case NEW, RUNNABLE, TERMINATED ->
                thread == Thread.currentThread() || thread == running
                        ? CoroutineTree.State.RUNNING
                        : CoroutineTree.State.READY;
            case TIMED_WAITING -> blocker == null ? CoroutineTree.State.SLEEPING : CoroutineTree.State.WAITING;
            case BLOCKED, WAITING -> CoroutineTree.State.WAITING;
        };
        String waitsFor = "";
        if (state == CoroutineTree.State.WAITING) {
            waitsFor = seen == Thread.State.BLOCKED ? "a monitor" : whatFor(blocker, known);
        }
        return new CoroutineTree.Node(
                thread.threadId(),
                nameOf(thread, known),
                state,
                waitsFor,
                Duration.ofNanos(coroutine.submission().nanosSinceStart()),
                coroutine.startedBy(),
                state == CoroutineTree.State.READY ? List.of() : Frames.ofTask(thread.getStackTrace()),
                List.of());
    }

    private static String whatFor(@Nullable Object blocker, Map<Long, Coroutine> known) {
        if (blocker == null) {
            return "";
        }
        Thread holder = OwnScheduler.ownerOf(blocker);
        return Deadlock.describe(blocker) + (holder == null ? "" : " held by " + nameOf(holder, known));
    }

    /** Returns a line for each deadlock that can be proven. */
    List<String> deadlocks() {
        Map<Long, Coroutine> known = byThread();
        List<Thread> threads = known.entrySet().stream()
                .sorted(Map.Entry.comparingByKey()) // for a stable text
                .map(one -> Objects.requireNonNull(one.getValue().thread()))
                .toList();
        return Deadlock.among(threads).stream()
                .map(one -> one.text(thread -> nameOf(thread, known)))
                .toList();
    }

    /** Returns a coroutine that runs: its stack is not where the JDK suspends threads. */
    @Nullable Thread goingOn() {
        for (Coroutine coroutine : alive) {
            Thread thread = coroutine.thread();
            if (thread != null && thread.getState() == Thread.State.RUNNABLE) {
                StackTraceElement[] stack = thread.getStackTrace();
                if (stack.length > 0 && !stack[0].getClassName().equals("java.lang.VirtualThread")) {
                    return thread;
                }
            }
        }
        return null;
    }

    /** Returns the name of a coroutine's task; the thread's own name if there is no such name. */
    String nameOf(Thread thread) {
        return nameOf(thread, byThread());
    }

    private static String nameOf(Thread thread, Map<Long, Coroutine> known) {
        Coroutine coroutine = known.get(thread.threadId());
        String given = coroutine == null ? null : coroutine.submission().options().name();
        if (given != null) {
            return given;
        }
        return thread.getName().isEmpty() ? "thread " + thread.threadId() : thread.getName();
    }
}
