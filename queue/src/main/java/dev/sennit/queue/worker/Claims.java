package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Claims tasks, in a thread of its own, while there is room for them. Without room, or without tasks, it sleeps until
 * somebody rings: the broker has a task, a place is free. Because a push can be lost, it also asks now and then, and
 * when the broker has said that something will be due.
 */
final class Claims implements Runnable {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    /** How many tasks come in one answer. */
    private static final int MOST = 200;

    /** How many come in one answer if there are several queues, so that their shares come in small pieces. */
    private static final int MOST_OF_SEVERAL = 16;

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(1);

    private final WorkerSettings settings;
    private final Broker broker;
    private final TimeSource time;
    private final Holdings holdings;
    private final QueueShares shares;
    private final Outage outage;
    private final Alarm alarm;
    private final TypeRates rates;
    private final Set<String> unlimited;
    private volatile boolean isEnded;

    Claims(WorkerSettings settings, Holdings holdings, QueueShares shares, Outage outage, Alarm alarm) {
        this.settings = settings;
        this.holdings = holdings;
        this.shares = shares;
        this.outage = outage;
        this.alarm = alarm;
        broker = settings.broker();
        time = settings.time();
        rates = new TypeRates(settings.rates(), time);
        Set<String> others = new HashSet<>(settings.types().keySet());
        others.removeIf(rates::isLimited);
        unlimited = Set.copyOf(others);
    }

    void end() {
        isEnded = true;
        alarm.ring();
    }

    @Override
    public void run() {
        int failures = 0;
        while (!isEnded) {
            try {
                int room = Math.min(MOST, holdings.room());
                if (room == 0) {
                    alarm.sleep(holdings.pause());
                    holdings.giveBackStale();
                    continue;
                }
                Duration pause = claim(room);
                failures = 0;
                if (pause != null) {
                    alarm.sleep(shorter(pause, holdings.ahead() > 0 ? Holdings.LONGEST_AHEAD : null));
                    holdings.giveBackStale();
                }
            } catch (RuntimeException e) {
                outage.failed(Outage.Call.CLAIM, e);
                alarm.sleep(Outage.pauseAfter(++failures));
            } catch (Error e) {
                LOG.log(Level.ERROR, settings.name() + " - tasks could not be claimed: " + e, e);
                alarm.sleep(Outage.pauseAfter(++failures));
            }
        }
    }

    /** Claims; returns how long to wait until the next time, or null if there may be more now. */
    private @Nullable Duration claim(int room) {
        List<String> order = shares.order();
        if (order.isEmpty()) {
            return settings.poll();
        }
        int left = order.size() == 1 ? room : Math.min(room, MOST_OF_SEVERAL);
        Duration pause = settings.poll();
        for (String type : settings.rates().keySet()) {
            int most = Math.min(left, rates.allowed(type));
            if (most > 0 && settings.types().containsKey(type)) {
                Claimed claimed = claim(order, Set.of(type), most);
                left -= claimed.claims().size();
                rates.claimed(type, claimed.claims().size());
                pause = shorter(pause, claimed.lookAgainIn());
            }
        }
        pause = shorter(pause, rates.next());
        if (left > 0 && !unlimited.isEmpty()) {
            Claimed claimed = claim(order, unlimited, left);
            Map<String, Integer> counts = new HashMap<>();
            claimed.claims().forEach(claim -> counts.merge(claim.task().queue(), 1, Integer::sum));
            shares.claimed(order, counts, claimed.claims().size() >= left);
            left -= claimed.claims().size();
            pause = shorter(pause, claimed.lookAgainIn());
        }
        return left > 0 ? pause : null;
    }

    private Claimed claim(List<String> order, Set<String> types, int most) {
        long asked = time.nanoTime();
        Claimed claimed = outage.ask(
                () -> broker.claim(new ClaimRequest(settings.id(), order, types, most, settings.lease())));
        outage.worked(Outage.Call.CLAIM);
        List<Claim> claims = claimed.claims();
        if (!claims.isEmpty()) {
            holdings.take(claims, asked + settings.lease().toNanos());
        }
        return claimed;
    }

    private static Duration shorter(Duration one, @Nullable Duration other) {
        if (other == null || one.compareTo(other) <= 0) {
            return one;
        }
        return other.compareTo(SHORTEST_PAUSE) < 0 ? SHORTEST_PAUSE : other;
    }
}
