package dev.sennit.loop;

import dev.sennit.internal.OwnScheduler;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A deadlock: threads each of which waits, without a time limit, for a lock that the next one holds. The last thread is
 * the first again, or has ended.
 */
final class Deadlock {
    private final List<Wait> waits;

    private record Wait(Thread waiter, Object lock, Thread holder) {
        /** Returns whether the wait still stands, or stands again, which for a circle of such waits is the same. */
        boolean stands() {
            return equals(of(waiter));
        }

        static @Nullable Wait of(Thread waiter) {
            Object lock = waiter.getState() == Thread.State.WAITING ? LockSupport.getBlocker(waiter) : null;
            Thread holder = OwnScheduler.ownerOf(lock);
            return lock == null || holder == null || holder == waiter ? null : new Wait(waiter, lock, holder);
        }
    }

    private Deadlock(List<Wait> waits) {
        this.waits = waits;
    }

    /** Returns the deadlocks that these threads are part of, or wait for. They are proven: none dissolves by itself. */
    static List<Deadlock> among(Collection<Thread> threads) {
        List<Deadlock> found = new ArrayList<>();
        Set<Thread> seen = new HashSet<>();
        for (Thread start : threads) {
            Map<Thread, Wait> path = new LinkedHashMap<>();
            Thread last = start;
            for (Wait wait = step(last, seen); wait != null; wait = step(last, seen)) {
                path.put(last, wait);
                last = wait.holder();
            }
            List<Wait> waits = new ArrayList<>(path.values());
            if (path.containsKey(last)) { // a circle, perhaps after threads that wait for it
                waits = waits.subList(new ArrayList<>(path.keySet()).indexOf(last), waits.size());
            } else if (path.isEmpty() || last.isAlive()) {
                continue;
            }
            // Each wait was read at another time: only if all still stand were they there together.
            if (waits.stream().allMatch(Wait::stands)) {
                found.add(new Deadlock(List.copyOf(waits)));
            }
        }
        return found;
    }

    private static @Nullable Wait step(Thread from, Set<Thread> seen) {
        return seen.add(from) ? Wait.of(from) : null;
    }

    /** Returns a line of text. */
    String text(Function<Thread, String> names) {
        var text = new StringBuilder("deadlock: ");
        for (Wait wait : waits) {
            text.append(wait == waits.getFirst() ? "" : ", ")
                    .append(names.apply(wait.waiter))
                    .append(" waits for ")
                    .append(describe(wait.lock))
                    .append(" held by ")
                    .append(names.apply(wait.holder));
        }
        return text.append(waits.getLast().holder.isAlive() ? "" : ", which has ended").toString();
    }

    /** Describes the object that a thread waits for: its public class, and a number that tells it from others. */
    static String describe(Object blocker) {
        Class<?> type = blocker.getClass();
        String name = type.getName();
        if (name.startsWith("java.util.concurrent.")) { // ReentrantLock$NonfairSync is a ReentrantLock to users
            Class<?> outer = type.getEnclosingClass();
            boolean isCondition = name.endsWith("ConditionObject") || name.endsWith("ConditionNode");
            name = isCondition ? "Condition" : (outer == null ? type : outer).getSimpleName();
        } else {
            name = name.substring(name.lastIndexOf('.') + 1);
        }
        return name + '@' + Integer.toHexString(System.identityHashCode(blocker));
    }
}
