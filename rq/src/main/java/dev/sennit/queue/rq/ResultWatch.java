package dev.sennit.queue.rq;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.redis.foreign.Server;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Sees the results of jobs whose submitters wait here. RQ's workers publish nothing, but a result is an entry of a
 * stream of its job, and {@code XREAD} waits for entries of many streams; one more stream, which belongs to this
 * object, wakes it when there are others to wait for. What has ended without a result is found by submitters, who ask
 * now and then.
 */
final class ResultWatch implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ResultWatch.class.getName());
    /** How many streams one call waits for; if there are more, it waits for some of them after the other. */
    private static final int MOST_AT_ONCE = 500;

    private static final int WAIT_MILLIS = 5_000;
    private static final int SHORT_WAIT_MILLIS = 20;
    private static final int ANSWER_MILLIS = 15_000;
    private static final String RESULTS = "rq:results:";

    /** Looks how jobs have ended. */
    interface Looking {
        /** Returns the ends of those that have. */
        List<EndedTask> ended(Collection<String> ids);
    }

    private final Server server;
    private final Looking looking;
    private final Consumer<EndedTask> told;
    private final String wake = "sennit.rq:wake:" + UUID.randomUUID();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by lock. The ids of jobs whose results may come, those that were looked at last at the end. */
    private final Set<String> expected = new LinkedHashSet<>();
    /** Guarded by lock. */
    private boolean isStarted;
    /** Guarded by lock. Whether the thread is in a call that does not wait for all of them. */
    private boolean isBehind;

    private volatile boolean isClosed;
    private volatile Server.@Nullable Line line;

    ResultWatch(Server server, Looking looking, Consumer<EndedTask> told) {
        this.server = server;
        this.looking = looking;
        this.told = told;
    }

    void expect(Collection<String> ids) {
        if (ids.isEmpty()) {
            return;
        }
        boolean isToWake;
        lock.lock();
        try {
            expected.addAll(ids);
            isToWake = isStarted && line != null && !isBehind;
            isBehind = true;
            if (!isStarted && !isClosed) {
                Thread.ofPlatform().daemon().name("sennit-rq-results").start(this::run);
                isStarted = true;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (isToWake) {
            server.repeatable(List.of(Server.call(Command.XADD, wake, "MAXLEN", "1", "*", "w", "1"),
                    Server.call(Command.EXPIRE, wake, "60")));
        }
    }

    void forget(String id) {
        lock.lock();
        try {
            expected.remove(id);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until there is something to wait for; returns some of it. */
    private List<String> next() throws InterruptedException {
        lock.lock();
        try {
            while (expected.isEmpty() && !isClosed) {
                changed.await();
            }
            List<String> some = new ArrayList<>();
            Iterator<String> all = expected.iterator();
            while (some.size() < MOST_AT_ONCE && all.hasNext()) {
                some.add(all.next());
                all.remove();
            }
            isBehind = !expected.isEmpty();
            expected.addAll(some); // behind the others
            return some;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        int failures = 0;
        while (!isClosed && !server.isClosed()) {
            Server.Line fresh = null;
            try {
                fresh = server.connect(ANSWER_MILLIS);
                line = fresh;
                String last = "0";
                while (!isClosed) {
                    List<String> ids = next();
                    boolean isAll;
                    lock.lock();
                    try {
                        isAll = !isBehind;
                    } finally {
                        lock.unlock();
                    }
                    last = read(fresh, ids, last, isAll ? WAIT_MILLIS : SHORT_WAIT_MILLIS);
                    failures = 0;
                }
            } catch (JedisException | BrokerException e) {
                LOG.log(Level.DEBUG, "the connection for results broke", e);
                News.pause(Math.min(20L << Math.min(failures++, 6), 1000));
            } catch (InterruptedException e) {
                return; // nobody has a reason to do it but one who ends it
            } catch (RuntimeException | Error e) { // submitters wait for this thread
                if (!isClosed && !server.isClosed()) {
                    LOG.log(Level.ERROR, "results were not understood: " + e, e);
                    News.pause(1000);
                }
            } finally {
                line = null;
                if (fresh != null) {
                    Server.close(fresh);
                }
            }
        }
    }

    /** Waits for results; returns the id of the last entry of the stream that wakes. */
    private String read(Server.Line from, List<String> ids, String last, int wait) {
        List<byte[]> arguments = new ArrayList<>(List.of(Server.bytes("COUNT"), Server.bytes(1),
                Server.bytes("BLOCK"), Server.bytes(wait), Server.bytes("STREAMS"), Server.bytes(wake)));
        ids.forEach(id -> arguments.add(Server.bytes(RESULTS + id)));
        arguments.add(Server.bytes(last));
        ids.forEach(_ -> arguments.add(Server.bytes("0")));
        from.send(Command.XREAD, arguments);
        Object answer = from.next();
        String woken = last;
        List<String> found = new ArrayList<>();
        if (answer instanceof List<?> streams) {
            for (Object each : streams) {
                List<?> stream = (List<?>) each;
                String key = Server.text(stream.getFirst());
                if (key.equals(wake)) {
                    List<?> entry = (List<?>) ((List<?>) stream.get(1)).getFirst();
                    woken = Server.text(entry.getFirst());
                } else {
                    found.add(key.substring(RESULTS.length()));
                }
            }
        }
        if (!found.isEmpty()) {
            List<EndedTask> ends = looking.ended(found);
            for (EndedTask end : ends) {
                forget(end.id());
                told.accept(end);
            }
            if (ends.size() < found.size()) {
                News.pause(SHORT_WAIT_MILLIS); // the result is of an earlier run: the job runs again
            }
        }
        return woken;
    }

    @Override
    public void close() {
        isClosed = true;
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        Server.Line open = line;
        if (open != null) {
            Server.close(open);
        }
    }
}
