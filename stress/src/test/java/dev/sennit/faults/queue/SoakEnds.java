package dev.sennit.faults.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The books of a broker: what it says became of tasks, as far as it can be asked.
 *
 * <p>With {@link BrokerFeature#SEARCH}, it is asked for all that it has: also a task that nobody has enqueued is seen,
 * and one that waits is seen waiting. With {@link BrokerFeature#IDS} alone, it is asked for the ends of the tasks that
 * were enqueued: a task without an end is lost, or waits or runs, which only the numbers of those that do can say;
 * tasks that nobody has enqueued are seen by the records of their runs. With neither, it keeps no ends: it tells the
 * submitter of each, once or more often.
 */
abstract class SoakEnds implements AutoCloseable {
    private static final int AT_ONCE = 500;

    final Broker broker;

    private SoakEnds(Broker broker) {
        this.broker = broker;
    }

    static SoakEnds of(Broker broker) {
        return broker.features().contains(BrokerFeature.SEARCH)
                ? new Searched(broker)
                : broker.features().contains(BrokerFeature.IDS) ? new Kept(broker) : new Heard(broker);
    }

    /** Returns the address of the submitter in tasks, if this hears of their ends. */
    @Nullable String replyTo() {
        return null;
    }

    /** Returns whether all these tasks have ended, as far as the broker tells that cheaply. */
    abstract boolean areAllEnded(Collection<String> ids);

    /** Returns the states of tasks: of all that the broker knows, or of those of the given ones that have ended. */
    abstract Map<String, TaskState> states(Collection<String> ids);

    /** Returns the results of those that have succeeded. */
    abstract Map<String, String> results(Collection<String> ids);

    /** Returns how many ends were told more than once; 0 if ends are kept. */
    int toldAgain() {
        return 0;
    }

    @Override
    public void close() {
        // nothing is open
    }

    static String text(EndedTask end) {
        return new String(end.result(), StandardCharsets.UTF_8);
    }

    private static List<EndedTask> ended(Broker broker, Collection<String> ids) {
        List<String> all = List.copyOf(ids);
        List<EndedTask> ended = new ArrayList<>();
        for (int i = 0; i < all.size(); i += AT_ONCE) {
            ended.addAll(broker.ended(all.subList(i, Math.min(all.size(), i + AT_ONCE))));
        }
        return ended;
    }

    /** The broker knows all tasks. */
    private static final class Searched extends SoakEnds {
        private static final int MOST = 1000;

        Searched(Broker broker) {
            super(broker);
        }

        /** Its counts say so. */
        @Override
        boolean areAllEnded(Collection<String> ids) {
            return true;
        }

        @Override
        Map<String, TaskState> states(Collection<String> ids) {
            Map<String, TaskState> states = new HashMap<>();
            String last = null;
            while (true) {
                List<TaskView> some = broker.search(TaskFilter.ALL.after(last), MOST);
                if (some.isEmpty()) {
                    return states;
                }
                for (TaskView each : some) {
                    assertThat(states.put(each.id(), each.state())).as(each.id() + " is there twice").isNull();
                }
                last = some.getLast().id();
            }
        }

        @Override
        Map<String, String> results(Collection<String> ids) {
            return keptResults(broker, ids);
        }
    }

    private static Map<String, String> keptResults(Broker broker, Collection<String> ids) {
        Map<String, String> results = new HashMap<>();
        ended(broker, ids).stream().filter(end -> end.state() == TaskState.SUCCEEDED)
                .forEach(end -> results.put(end.id(), text(end)));
        return results;
    }

    /** The broker keeps ends by the ids of tasks. */
    private static final class Kept extends SoakEnds {
        private final Set<String> known = new HashSet<>();

        Kept(Broker broker) {
            super(broker);
        }

        @Override
        boolean areAllEnded(Collection<String> ids) {
            List<String> open = ids.stream().filter(id -> !known.contains(id)).toList();
            ended(broker, open).forEach(end -> known.add(end.id()));
            return known.containsAll(open);
        }

        @Override
        Map<String, TaskState> states(Collection<String> ids) {
            Map<String, TaskState> states = new HashMap<>();
            ended(broker, ids).forEach(end -> states.put(end.id(), end.state()));
            return states;
        }

        @Override
        Map<String, String> results(Collection<String> ids) {
            return keptResults(broker, ids);
        }
    }

    /** The broker keeps no ends, and tells the submitter. */
    private static final class Heard extends SoakEnds implements BrokerListener {
        private static final String ADDRESS = "soak";

        private final Map<String, List<EndedTask>> heard = new ConcurrentHashMap<>();
        private final Broker.Subscription subscription;

        @SuppressWarnings("this-escape") // all is there
        Heard(Broker broker) {
            super(broker);
            subscription = broker.subscribe(new Interest(Set.of(), ADDRESS, null), this);
        }

        @Override
        String replyTo() {
            return ADDRESS;
        }

        @Override
        public void ended(EndedTask end) {
            heard.merge(end.id(), List.of(end), (some, more) -> {
                List<EndedTask> all = new ArrayList<>(some);
                all.addAll(more);
                return all;
            });
        }

        @Override
        boolean areAllEnded(Collection<String> ids) {
            return heard.keySet().containsAll(ids);
        }

        /** Whatever was told twice was told with the same end, or it is none. */
        @Override
        Map<String, TaskState> states(Collection<String> ids) {
            Map<String, TaskState> states = new HashMap<>();
            heard.forEach((id, ends) -> {
                assertThat(ends).as(id).extracting(EndedTask::state).containsOnly(ends.getFirst().state());
                states.put(id, ends.getFirst().state());
            });
            return states;
        }

        @Override
        Map<String, String> results(Collection<String> ids) {
            Map<String, String> results = new HashMap<>();
            heard.forEach((id, ends) -> ends.stream().filter(end -> end.state() == TaskState.SUCCEEDED)
                    .forEach(end -> results.merge(id, text(end), (one, other) -> {
                        assertThat(other).as(id).isEqualTo(one);
                        return one;
                    })));
            return results;
        }

        @Override
        int toldAgain() {
            return heard.values().stream().mapToInt(ends -> ends.size() - 1).sum();
        }

        @Override
        public void close() {
            subscription.close();
        }
    }
}
