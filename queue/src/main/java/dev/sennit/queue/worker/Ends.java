package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Token;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tells the broker of the ends of runs, in a thread of its own: all that have ended while it told of others go in one
 * call, so one commit serves many. What cannot be told is kept and told again; a broker takes it once, by its token.
 */
final class Ends implements Runnable {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    /** How many go in one call. */
    private static final int BATCH = 500;
    /** How often an end is told alone for which the store is unusable, until something else is told instead. */
    private static final int TRIES = 3;

    /** The end of a run. */
    sealed interface Ending {
        HeldTask task();

        /** The run has a result. */
        record Success(HeldTask task, Completion completion) implements Ending {}

        /** The run has none. */
        record Other(HeldTask task, Failure failure) implements Ending {}
    }

    /** Hears what the broker has said. */
    interface Listener {
        /** The broker knows of an end; it has refused it if the token was old. */
        void told(Ending ending, boolean isAccepted);
    }

    private final String name;
    private final Broker broker;
    private final Leases leases;
    private final Outage outage;
    private final Listener listener;
    /** Wakes the thread when there is something to tell. */
    private final Alarm idle;
    /** Wakes it from a pause after a failure, at its end only. */
    private final Alarm pause;

    /** Guarded by itself. */
    private final Deque<Ending> waiting = new ArrayDeque<>();
    /** Only the thread's. What it is telling. */
    private final List<Ending> batch = new ArrayList<>();
    /** Only the thread's. How often the store was unusable for an end that was told alone. */
    private final Map<Token, Integer> tries = new HashMap<>();
    /** Guarded by waiting. How many are not told. */
    private int untold;

    private volatile boolean isEnded;

    Ends(String name, Broker broker, Leases leases, Outage outage, TimeSource time, Listener listener) {
        this.name = name;
        this.broker = broker;
        this.leases = leases;
        this.outage = outage;
        this.listener = listener;
        idle = new Alarm(time);
        pause = new Alarm(time);
    }

    void add(Ending ending) {
        synchronized (waiting) {
            waiting.add(ending);
            untold++;
        }
        idle.ring();
    }

    /** Returns how many ends the broker has not been told of. */
    int untold() {
        synchronized (waiting) {
            return untold;
        }
    }

    /** Ends the thread; what it could not tell until then is left to the leases. */
    void end() {
        isEnded = true;
        idle.ring();
        pause.ring();
    }

    @Override
    public void run() {
        int failures = 0;
        while (true) {
            synchronized (waiting) {
                while (batch.size() < BATCH && !waiting.isEmpty()) {
                    batch.add(waiting.remove());
                }
            }
            if (batch.isEmpty()) {
                if (isEnded) {
                    return;
                }
                idle.sleep(null);
                continue;
            }
            try {
                tell();
                failures = 0;
            } catch (RuntimeException e) {
                outage.failed(Outage.Call.END, e);
                if (isEnded) {
                    return;
                }
                pause.sleep(Outage.pauseAfter(++failures));
            } catch (Error e) {
                LOG.log(Level.ERROR, name + " - ends of tasks could not be told: " + e, e);
                if (isEnded) {
                    return;
                }
                pause.sleep(Duration.ofSeconds(1));
            }
        }
    }

    private void tell() {
        leases.flush(batch.stream().filter(ending -> ending instanceof Ending.Other).map(Ending::task)
                .filter(HeldTask::hasUntoldCheckpoint).toList());
        try {
            tell(batch);
        } catch (IllegalStateException e) { // it is closed
            throw e;
        } catch (RuntimeException e) { // something is wrong with one of them, which must not keep the others
            if (isAway(e)) {
                throw e;
            }
            LOG.log(Level.DEBUG, name + " - tells one by one", e);
            BrokerException refusal = null;
            for (Ending each : List.copyOf(batch)) {
                BrokerException failure = tellAlone(each);
                refusal = failure == null ? refusal : failure;
            }
            if (refusal != null) {
                throw refusal;
            }
        }
    }

    /** Tells of some, all in one call of each kind. */
    private void tell(List<Ending> endings) {
        List<Ending.Success> successes = new ArrayList<>();
        List<Ending.Other> others = new ArrayList<>();
        Set<Token> tokens = new HashSet<>();
        for (Ending each : endings) {
            if (!tokens.add(each.task().token())) {
                continue;
            }
            switch (each) {
                case Ending.Success success -> successes.add(success);
                case Ending.Other other -> others.add(other);
            }
        }
        if (!successes.isEmpty()) {
            told(successes, outage.ask(
                    () -> broker.complete(successes.stream().map(Ending.Success::completion).toList())));
        }
        if (!others.isEmpty()) {
            told(others, outage.ask(
                    () -> broker.fail(others.stream().map(Ending.Other::failure).toList())));
        }
    }

    private void told(List<? extends Ending> endings, List<Boolean> accepted) {
        outage.worked(Outage.Call.END);
        for (int i = 0; i < endings.size(); i++) {
            done(endings.get(i), accepted.get(i));
        }
    }

    private void done(Ending ending, boolean isAccepted) {
        batch.remove(ending);
        tries.remove(ending.task().token());
        synchronized (waiting) {
            untold--;
        }
        listener.told(ending, isAccepted);
    }

    /** Returns whether the failure says nothing of what was told. */
    private static boolean isAway(RuntimeException failure) {
        return failure instanceof BrokerException e && e.kind() != BrokerException.Kind.UNUSABLE;
    }

    /** Tells of one; returns why the broker has not taken it, if it is to be told again. */
    private @Nullable BrokerException tellAlone(Ending ending) {
        try {
            tell(List.of(ending));
        } catch (IllegalStateException e) {
            throw e;
        } catch (RuntimeException e) {
            if (isAway(e)) {
                throw e;
            }
            // a store that cannot take this end, or none: that shows when it is tried again
            if (e instanceof BrokerException failure && tries.merge(ending.task().token(), 1, Integer::sum) < TRIES) {
                return failure;
            }
            tries.remove(ending.task().token());
            if (ending instanceof Ending.Success) {
                LOG.log(Level.WARNING, name + " - the broker cannot take the result of " + ending.task().claim.task()
                        + ": " + e.getMessage());
                var dead =
                        new Failure(ending.task().token(), RunFailure.describe(e), new Failure.Die(DeadReason.FAILED));
                batch.set(batch.indexOf(ending), new Ending.Other(ending.task(), dead));
            } else {
                LOG.log(Level.WARNING, name + " - the broker cannot be told of the end of "
                        + ending.task().claim.task() + ", which runs again when its lease is over: " + e.getMessage());
                done(ending, false);
            }
        }
        return null;
    }
}
