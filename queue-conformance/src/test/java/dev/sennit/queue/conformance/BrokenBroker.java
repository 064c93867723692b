package dev.sennit.queue.conformance;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.Token;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/** A broker that keeps the contract but for one fault. */
final class BrokenBroker {
    /** What is wrong. */
    enum Fault {
        NONE,
        /** Of several tasks, the last is lost. */
        LOSES_LAST,
        /** The task that came last is the first of a claim. */
        LAST_FIRST,
        NO_PRIORITY,
        NO_DELAY,
        NO_EXPIRY,
        NO_UNIQUE,
        NO_KEY,
        NO_CALLBACKS,
        /** Who has an old token may still complete. */
        NO_FENCING,
        /** Whoever asks next gets the same tasks again. */
        CLAIMS_TWICE,
        FORGETS_CHECKPOINT,
        MIXES_INPUTS,
        /** Who gives back has failed. */
        COUNTS_GIVE_BACK,
        CRASH_IS_FAILURE,
        /** Successors are enqueued whatever becomes of the completion. */
        SUCCESSORS_APART,
        /** A worker does not hear by its renewals that it is to stop. */
        QUIET_CANCEL,
        /** The pause is kept in the broker object. */
        OWN_PAUSE,
        NO_RATE,
        /** Nobody compares the due time. */
        FIRES_TWICE,
        IGNORES_PAUSED_SCHEDULE,
        /** A listener is called after it has been closed. */
        CALLS_CLOSED,
        CLAIMS_MORE_FEATURES,
        OPEN_AFTER_CLOSE,
        NO_EVENTS,
        /** Replays do not change the argument. */
        OLD_PAYLOAD,
        /** Filters ignore the text. */
        NO_TEXT,
        FORGETS_SCHEDULE_HISTORY,
        TAKES_BACK_CHANGES
    }

    private static final Batch NONE = Batch.EMPTY;

    private final Broker broker;
    private final Fault fault;
    /** The last token of each task. */
    private final Map<String, Token> tokens = new ConcurrentHashMap<>();

    private final Set<Scope> paused = ConcurrentHashMap.newKeySet();
    private volatile Claimed lastClaimed = new Claimed(List.of(), null);
    private volatile boolean isClosed;

    private BrokenBroker(Broker broker, Fault fault) {
        this.broker = broker;
        this.fault = fault;
    }

    static Broker of(Broker broker, Fault fault) {
        var broken = new BrokenBroker(broker, fault);
        return (Broker) Proxy.newProxyInstance(Broker.class.getClassLoader(), new Class<?>[] {Broker.class},
                (_, method, arguments) -> broken.call(method, arguments == null ? new Object[0] : arguments));
    }

    private Object call(Method method, Object[] arguments) throws Throwable {
        switch (method.getName()) {
            case "enqueue" -> arguments[0] = changed((Batch) arguments[0]);
            case "complete" -> arguments[0] = completions(arguments[0]);
            case "fail" -> arguments[0] = failures(arguments[0]);
            case "fire" -> arguments[0] = firing((Firing) arguments[0]);
            case "replay" -> {
                if (fault == Fault.OLD_PAYLOAD) {
                    arguments[1] = null;
                }
            }
            case "search" -> {
                if (fault == Fault.NO_TEXT) {
                    arguments[0] = ((TaskFilter) arguments[0]).text(null);
                }
            }
            case "pause" -> {
                if (fault == Fault.OWN_PAUSE) {
                    paused.add((Scope) arguments[0]);
                    return null;
                }
            }
            case "limit" -> {
                if (fault == Fault.NO_RATE) {
                    return null;
                }
            }
            case "keepEvents" -> {
                if (fault == Fault.NO_EVENTS) {
                    return null;
                }
            }
            case "close" -> {
                isClosed = true;
                if (fault == Fault.OPEN_AFTER_CLOSE) {
                    return null;
                }
            }
            case "putSchedule" -> {
                String name = ((ScheduleEntry) arguments[0]).name();
                if (fault == Fault.FORGETS_SCHEDULE_HISTORY && broker.removeSchedule(name)) {
                    arguments[1] = null;
                }
                if (fault == Fault.TAKES_BACK_CHANGES) {
                    arguments[1] = broker.schedules().stream().filter(one -> one.name().equals(name)).findFirst()
                            .orElse(null);
                }
            }
            default -> {}
        }
        Object result;
        try {
            result = method.invoke(broker, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        return switch (method.getName()) {
            case "claim" -> claimed((Claimed) result);
            case "extend" -> states(result);
            case "features" -> fault == Fault.CLAIMS_MORE_FEATURES ? EnumSet.allOf(BrokerFeature.class) : result;
            case "subscribe" -> fault == Fault.CALLS_CLOSED
                    ? (Broker.Subscription) () -> System.out.println("not closed, broker closed: " + isClosed)
                    : result;
            case "paused" -> {
                Set<Object> all = new HashSet<>((Set<?>) result);
                all.addAll(paused);
                yield all;
            }
            default -> result;
        };
    }

    private Batch changed(Batch batch) {
        UnaryOperator<QueuedTask.Builder> change = switch (fault) {
            case NO_PRIORITY -> task -> task.priority(QueuedTask.USUAL_PRIORITY);
            case NO_DELAY -> task -> task.due(null);
            case NO_EXPIRY -> task -> task.expires(null);
            case NO_UNIQUE -> task -> task.unique(null);
            case NO_KEY -> task -> task.key(null);
            case NO_CALLBACKS -> task -> task.onDead(List.of());
            default -> null;
        };
        List<QueuedTask> tasks = new ArrayList<>(batch.tasks());
        if (change != null) {
            tasks.replaceAll(task -> change.apply(task.toBuilder()).build());
        }
        if (fault == Fault.LOSES_LAST && tasks.size() > 1 && tasks.getLast().part() == null) {
            tasks.set(tasks.size() - 1, tasks.getFirst());
        }
        return new Batch(tasks, batch.joins());
    }

    private List<Completion> completions(Object argument) {
        List<Completion> completions = new ArrayList<>();
        for (Object one : (List<?>) argument) {
            var completion = (Completion) one;
            Token token = completion.token();
            if (fault == Fault.NO_FENCING) {
                token = tokens.getOrDefault(token.id(), token);
            }
            if (fault == Fault.SUCCESSORS_APART) {
                broker.enqueue(completion.successors());
            }
            completions.add(new Completion(token, completion.result(),
                    fault == Fault.SUCCESSORS_APART ? NONE : completion.successors()));
        }
        return completions;
    }

    private List<Failure> failures(Object argument) {
        List<Failure> failures = new ArrayList<>();
        for (Object one : (List<?>) argument) {
            var failure = (Failure) one;
            boolean fails = fault == Fault.COUNTS_GIVE_BACK && failure.verdict() instanceof Failure.GiveBack
                    || fault == Fault.CRASH_IS_FAILURE && failure.verdict() instanceof Failure.Crashed;
            failures.add(fails
                    ? new Failure(failure.token(), failure.error(), new Failure.RetryIn(Duration.ZERO))
                    : failure);
        }
        return failures;
    }

    private Firing firing(Firing firing) {
        var entry = broker.schedules().stream().filter(one -> one.name().equals(firing.schedule())).findFirst();
        if (entry.isEmpty() || entry.get().nextDue() == null) {
            return firing;
        }
        if (fault == Fault.IGNORES_PAUSED_SCHEDULE && entry.get().paused()) {
            var old = entry.get();
            broker.putSchedule(new ScheduleEntry(old.name(), old.when(), old.zone(),
                    old.template(), old.missed(), old.overlap(), false, old.nextDue(), null, null), old);
        }
        return fault == Fault.FIRES_TWICE
                ? new Firing(firing.schedule(), entry.get().nextDue(), firing.nextDue(), firing.tasks(),
                        firing.unlessUnfinished())
                : firing;
    }

    private Claimed claimed(Claimed claimed) {
        List<Claim> claims = new ArrayList<>(claimed.claims());
        claims.forEach(claim -> tokens.put(claim.token().id(), claim.token()));
        if (fault == Fault.CLAIMS_TWICE && claims.isEmpty()) {
            claims.addAll(lastClaimed.claims());
        }
        if (fault == Fault.LAST_FIRST) {
            claims = claims.reversed();
        }
        claims.replaceAll(claim -> new Claim(claim.token(), claim.task(), claim.failures(), claim.crashes(),
                claim.enqueuedAt(), fault == Fault.FORGETS_CHECKPOINT ? null : claim.checkpoint(),
                fault == Fault.MIXES_INPUTS ? claim.inputs().reversed() : claim.inputs()));
        lastClaimed = new Claimed(claims, claimed.lookAgainIn());
        return lastClaimed;
    }

    private List<LeaseState> states(Object result) {
        List<LeaseState> states = new ArrayList<>();
        for (Object state : (List<?>) result) {
            boolean isHidden = fault == Fault.QUIET_CANCEL && state == LeaseState.CANCEL_REQUESTED;
            states.add(isHidden ? LeaseState.HELD : (LeaseState) state);
        }
        return states;
    }
}
