package dev.sennit.queue.memory;

import dev.sennit.queue.broker.TaskState;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of one queue that have not ended, where the next one is found at once. Guarded by the lock of the store.
 */
final class QueueTasks {
    static final Comparator<Entry> BY_DUE =
            Comparator.<Entry>comparingLong(one -> one.since).thenComparingLong(one -> one.number);

    private static final Comparator<Entry> BY_TURN = Comparator.comparingLong(entry -> entry.turn);

    /** The READY tasks of one type, by their priority. */
    static final class Lane {
        /** The greatest priority first; each in the order in which they became ready. No set is empty. */
        private final TreeMap<Integer, TreeSet<Entry>> byPriority = new TreeMap<>(Comparator.reverseOrder());

        private void add(Entry entry) {
            byPriority.computeIfAbsent(entry.task.priority(), _ -> new TreeSet<>(BY_TURN)).add(entry);
        }

        private void remove(Entry entry) {
            byPriority.computeIfPresent(
                    entry.task.priority(), (_, set) -> set.remove(entry) && set.isEmpty() ? null : set);
        }

        Entry first() {
            return byPriority.firstEntry().getValue().first();
        }

        /** Adds those that became ready until a time to a list. */
        void readyBefore(long time, int most, List<Entry> found) {
            int bound = found.size() + most;
            for (TreeSet<Entry> set : byPriority.values()) {
                for (Entry entry : set) {
                    if (entry.since > time || found.size() == bound) {
                        break;
                    }
                    found.add(entry);
                }
            }
        }

        /** Returns the task that has been ready for longest, whatever its priority. */
        Entry oldest() {
            return Collections.min(
                    byPriority.values().stream().map(TreeSet::first).toList(),
                    BY_TURN);
        }
    }

    /** The tasks of one key that are under way or HELD. */
    static final class Key {
        /** As given last. */
        int limit;
        /** The tasks that have a place: READY, RUNNING, or one that waits for a retry. */
        int places;

        int ready;
        final TreeSet<Entry> held = new TreeSet<>(Comparator.<Entry>comparingInt(one -> -one.task.priority())
                .thenComparingLong(one -> one.number));

        Key(int limit) {
            this.limit = limit;
        }
    }

    final String name;
    final Map<String, Lane> lanes = new HashMap<>();
    final TreeSet<Entry> scheduled = new TreeSet<>(BY_DUE);
    private final Map<String, Key> keys = new HashMap<>();
    private final EnumMap<TaskState, Long> counts = new EnumMap<>(TaskState.class);
    /** Of the tasks that are counted. */
    private long all;

    QueueTasks(String name) {
        this.name = name;
    }

    void addReady(Entry entry) {
        lanes.computeIfAbsent(entry.task.type(), _ -> new Lane()).add(entry);
    }

    void removeReady(Entry entry) {
        Lane lane = lanes.get(entry.task.type());
        if (lane != null) {
            lane.remove(entry);
            if (lane.byPriority.isEmpty()) {
                lanes.remove(entry.task.type());
            }
        }
    }

    @Nullable Entry oldestReady() {
        return lanes.values().stream().map(Lane::oldest)
                .min(BY_TURN).orElse(null);
    }

    /** Returns the next task of some types, or null. */
    @Nullable Entry next(Set<String> types) {
        Set<String> fewer = types.size() < lanes.size() ? types : lanes.keySet();
        Entry next = null;
        for (String type : fewer) {
            Lane lane = types.contains(type) ? lanes.get(type) : null;
            Entry first = lane == null ? null : lane.first();
            if (first != null && (next == null || first.task.priority() > next.task.priority()
                    || first.task.priority() == next.task.priority() && first.turn < next.turn)) {
                next = first;
            }
        }
        return next;
    }

    /** Returns the state of the key of a task that has one. */
    Key key(Entry entry) {
        var key = Objects.requireNonNull(entry.task.key());
        return keys.computeIfAbsent(key.key(), _ -> new Key(key.limit()));
    }

    /** Forgets a key that has no task. */
    void forget(String key) {
        keys.computeIfPresent(key, (_, state) -> state.held.isEmpty() && state.places == 0 ? null : state);
    }

    void count(TaskState state, int change) {
        if (state.isEnd() && state != TaskState.DEAD) {
            return;
        }
        all += change;
        counts.merge(state, (long) change, (one, other) -> one + other == 0 ? null : one + other);
    }

    Map<TaskState, Long> counts() {
        return counts;
    }

    boolean isEmpty() {
        return all == 0;
    }
}
