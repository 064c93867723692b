package dev.sennit.cli.queues;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The ends of tasks, for a command that has enqueued them. The broker tells them, as it tells them to the futures of a
 * {@code TaskQueue}; one that keeps ends is asked for them as well, and one that can search also for tasks that are
 * there no more. So a broker that only hands out messages, and tells of their ends, is enough. One thread uses it.
 */
final class AwaitedEnds implements AutoCloseable {
    private static final int MOST = 1000;
    /** Of how many looks one is also for tasks that are not there any more, and for how many of them. */
    private static final int LOOKS_FOR_LOST = 10;

    private static final int LOST_AT_ONCE = 20;
    private static final Duration LOOK = Duration.ofMillis(100);

    private final Broker broker;
    private final String replyTo = "command-" + QueuedTask.newId();
    private final BlockingQueue<EndedTask> told = new LinkedBlockingQueue<>();
    private final Set<String> open = new LinkedHashSet<>();
    private final boolean keepsEnds;
    private final boolean searches;
    private final Broker.Subscription subscription;
    private int looks;

    AwaitedEnds(Broker broker) {
        this.broker = broker;
        keepsEnds = broker.features().contains(BrokerFeature.IDS);
        searches = broker.features().contains(BrokerFeature.SEARCH);
        subscription = broker.subscribe(new BrokerListener.Interest(Set.of(), replyTo, null), new BrokerListener() {
            @Override
            public void ended(EndedTask end) {
                told.add(end);
            }
        });
    }

    /** Returns what tasks say as {@link QueuedTask#replyTo}, so that their ends are told. */
    String replyTo() {
        return replyTo;
    }

    /** Awaits a task that is in the broker. */
    void add(String id) {
        open.add(id);
    }

    boolean isDone() {
        return open.isEmpty();
    }

    /** Waits a moment for ends, and returns those that have come, each once. */
    List<EndedTask> next() throws InterruptedException {
        List<EndedTask> come = new ArrayList<>();
        if (keepsEnds) {
            come.addAll(broker.ended(open.stream().limit(MOST).toList()));
        }
        if (come.isEmpty()) {
            EndedTask first = told.poll(LOOK.toMillis(), TimeUnit.MILLISECONDS);
            if (first != null) {
                come.add(first);
            }
        }
        told.drainTo(come);
        return come.stream().filter(end -> open.remove(end.id())).toList();
    }

    /**
     * Now and then returns tasks that are not there any more, which are awaited no longer: one that had the unique key
     * of another may have ended long ago, or somebody has purged it. Looks at some each time, in turn.
     */
    List<String> lost() {
        if (!searches || looks++ % LOOKS_FOR_LOST != 0) {
            return List.of();
        }
        int turn = looks / LOOKS_FOR_LOST;
        int turns = Math.max(1, (open.size() + LOST_AT_ONCE - 1) / LOST_AT_ONCE);
        List<String> lost = open.stream().skip((long) turn % turns * LOST_AT_ONCE).limit(LOST_AT_ONCE)
                .filter(id -> broker.find(id).isEmpty()).toList();
        lost.forEach(open::remove);
        return lost;
    }

    @Override
    public void close() {
        subscription.close();
    }
}
