package dev.sennit.queue;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A broker that fails on demand, or at random points that a seed decides; and tells before it does something. */
final class FaultyBroker {
    private static final Set<String> OPERATIONS = Set.of("claim", "extend", "complete", "fail", "upkeep", "report",
            "oldestReady", "forget", "subscribe", "enqueue");

    private final Broker target;
    private final Random random;
    private final Map<String, Runnable> before = new ConcurrentHashMap<>();
    private final Map<String, Runnable> after = new ConcurrentHashMap<>();
    /** Which part of the operations fail. */
    volatile double rate;

    /** Whether all operations fail. */
    volatile boolean isAway;

    /** Whether nobody is told of anything. */
    volatile boolean dropsPushes;

    FaultyBroker(Broker target, long seed) {
        this.target = target;
        random = new Random(seed);
    }

    void before(String operation, Runnable action) {
        before.put(operation, action);
    }

    /** Does something when an operation was done, before its answer is there. */
    void after(String operation, Runnable action) {
        after.put(operation, action);
    }

    Broker broker() {
        return (Broker) Proxy.newProxyInstance(Broker.class.getClassLoader(), new Class<?>[] {Broker.class},
                (_, method, arguments) -> {
                    String name = method.getName();
                    double dice;
                    synchronized (random) {
                        dice = random.nextDouble();
                    }
                    boolean mayFail = OPERATIONS.contains(name) && !name.equals("subscribe") && !name.equals("enqueue");
                    if (OPERATIONS.contains(name) && isAway || mayFail && dice < rate / 2) {
                        throw new BrokerException(Kind.UNAVAILABLE, false, "it is away", null);
                    }
                    Runnable first = before.get(name);
                    if (first != null) {
                        first.run();
                    }
                    if (dropsPushes && name.equals("subscribe")) {
                        return (Broker.Subscription) () -> {};
                    }
                    Object answer;
                    try {
                        answer = method.invoke(target, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                    Runnable then = after.get(name);
                    if (then != null) {
                        then.run();
                    }
                    if (mayFail && dice > 1 - rate / 2) {
                        throw new BrokerException(Kind.UNAVAILABLE, true, "its answer was lost", null);
                    }
                    return answer;
                });
    }
}
