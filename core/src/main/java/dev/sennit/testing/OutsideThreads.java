package dev.sennit.testing;

import dev.sennit.internal.Management;
import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.text.JsonReader;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Threads outside of a schedule that may let it go on, when none of its own threads can. Such a schedule is no
 * deadlock, but cannot be repeated.
 *
 * <p>There is proof if a thread outside holds the lock or the monitor for which one of the schedule waits. Else a
 * thread that is at work now counts, if a virtual thread started it after the body began, or if it was idle when the
 * exploration began: then the schedule has probably handed it something.
 */
final class OutsideThreads {
    /** Groups of threads of the JVM's own. */
    private static final Set<String> SERVICES = Set.of("system", "InnocuousThreadGroup", "CarrierThreads");
    /** The group of a platform thread that a virtual thread started, unless that chose one. */
    private static final String OF_VIRTUAL = "VirtualThreads";

    /** A thread outside, and why the schedule depends on it. */
    private record Reason(Thread thread, String why) {
        Throwable told() {
            var told = new Throwable((thread.isVirtual() ? "virtual" : "platform") + " thread \"" + thread.getName()
                    + "\", which is not of the schedule, " + why);
            told.setStackTrace(thread.getStackTrace());
            return told;
        }
    }

    private final Set<Thread> idleBefore;

    private OutsideThreads(Set<Thread> idleBefore) {
        this.idleBefore = idleBefore;
    }

    /** Looks which threads are idle now. */
    static OutsideThreads look() {
        Set<Thread> idle = Collections.newSetFromMap(new IdentityHashMap<>());
        Thread.getAllStackTraces().forEach((thread, stack) -> {
            if (isOfProgram(thread) && Idle.hasNothingToDo(thread.getState(), stack)) {
                idle.add(thread);
            }
        });
        return new OutsideThreads(idle);
    }

    /**
     * Returns why a schedule depends on a thread outside, with that thread's stack; null if it does not.
     *
     * @param waiting its threads that wait
     * @param isOfSchedule tells whether a thread belongs to it
     * @param body its first thread
     */
    @Nullable Throwable dependence(Collection<Strand> waiting, Predicate<Thread> isOfSchedule, Thread body) {
        Reason reason = holder(waiting, isOfSchedule);
        if (reason == null) {
            reason = worker(body);
        }
        return reason == null ? null : reason.told();
    }

    private static @Nullable Reason holder(Collection<Strand> waiting, Predicate<Thread> isOfSchedule) {
        boolean isAnyBlocked = false;
        for (Strand strand : waiting) {
            Thread owner = OwnScheduler.ownerOf(LockSupport.getBlocker(strand.thread));
            if (owner != null && !isOfSchedule.test(owner)) {
                return new Reason(owner, "holds the lock for which " + strand.name() + " waits");
            }
            isAnyBlocked |= strand.thread.getState() == Thread.State.BLOCKED;
        }
        return isAnyBlocked ? holderOfMonitor(waiting) : null;
    }

    /** No method of the JDK tells for which monitor a virtual thread waits, but a dump of all threads does. */
    private static @Nullable Reason holderOfMonitor(Collection<Strand> waiting) {
        Map<Long, Thread> outside = new HashMap<>();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (isOfProgram(thread)) {
                outside.put(thread.threadId(), thread);
            }
        }
        Map<String, Long> owners = Management.monitors();
        owners.values().retainAll(outside.keySet());
        String dump = owners.isEmpty() ? null : Management.threadDump();
        if (dump == null) {
            return null;
        }
        Map<Long, String> wanted = new HashMap<>();
        try {
            readBlocked(JsonReader.read(dump), wanted);
        } catch (IllegalArgumentException e) {
            return null; // another JVM, with dumps of another form
        }
        for (Strand strand : waiting) {
            Long owner = owners.get(wanted.get(strand.thread.threadId()));
            if (owner != null) {
                return new Reason(Objects.requireNonNull(outside.get(owner)),
                        "holds the monitor for which " + strand.name() + " waits");
            }
        }
        return null;
    }

    /** Looks for threads that wait for a monitor, however deep in containers they are. */
    private static void readBlocked(@Nullable Object json, Map<Long, String> into) {
        switch (json) {
            case List<?> list -> list.forEach(one -> readBlocked(one, into));
            case Map<?, ?> object -> {
                if (object.get("tid") instanceof Object id && object.get("blockedOn") instanceof String monitor) {
                    into.put(Long.valueOf(id.toString()), monitor);
                }
                object.values().forEach(one -> readBlocked(one, into));
            }
            case null, default -> {}
        }
    }

    private @Nullable Reason worker(Thread body) {
        for (Map.Entry<Thread, StackTraceElement[]> entry : Thread.getAllStackTraces().entrySet()) {
            Thread thread = entry.getKey();
            ThreadGroup group = thread.getThreadGroup();
            if (group == null || !isOfProgram(thread)
                    || Idle.hasNothingToDo(thread.getState(), entry.getValue())) {
                continue;
            }
            if (idleBefore.contains(thread)) {
                return new Reason(thread, "was idle before, and is at work");
            }
            if (group.getName().equals(OF_VIRTUAL) && thread.threadId() > body.threadId()) {
                return new Reason(thread, "was started by a virtual thread meanwhile, and is at work");
            }
        }
        return null;
    }

    private static boolean isOfProgram(Thread thread) {
        ThreadGroup group = thread.getThreadGroup(); // null once it has ended
        return group != null && !SERVICES.contains(group.getName()) && !(thread instanceof ScheduleDriver);
    }
}
