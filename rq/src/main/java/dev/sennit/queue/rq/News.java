package dev.sennit.queue.rq;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Hearer;
import dev.sennit.queue.redis.foreign.Server;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Hears what Redis publishes - commands for workers, ends of tasks - on one connection for all listeners of a broker
 * object; if it breaks there is another one soon, which subscribes to the same channels.
 *
 * <p><b>Ends.</b> Workers of Java publish them. Workers of Python tell nobody; {@link ResultWatch} sees what
 * they write.
 *
 * <p><b>Commands.</b> Each worker has RQ's channel. Those that RQ does not know, with their arguments as members of the
 * same object, are Sennit's; a worker of Python passes over them.
 */
final class News implements AutoCloseable {
    private static final Logger LOG = System.getLogger(News.class.getName());
    /** The channel of all workers of Java. */
    private static final String ALL = "sennit.rq:control";
    private static final String ENDED = "sennit.rq:ended:";
    private static final String WORKER = "rq:pubsub:";
    private static final String COMMAND = "command";
    private static final String STOP_JOB = "stop-job";
    private static final int QUIET_MILLIS = 30_000;
    private static final long PING_MILLIS = 10_000;
    private static final long CONFIRM_MILLIS = 1_000;

    private final Server server;
    private final String name;
    private final Consumer<String> stop;
    private final ResultWatch results;
    private final List<Hearer> hearers = new CopyOnWriteArrayList<>();
    /** To whom the ends of tasks are told, by their ids. */
    private final Map<String, String> expected = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by lock. What is to be subscribed to. */
    private final Set<String> wanted = new HashSet<>();
    /** Guarded by lock. What the server has confirmed. */
    private final Set<String> confirmed = new HashSet<>();
    /** Guarded by lock. */
    private Server.@Nullable Line line;
    /** Guarded by lock. */
    private boolean isStarted;

    private volatile boolean isClosed;

    /**
     * Makes it; the connection comes with the first listener.
     *
     * @param name the broker's, for messages
     * @param stop notes that a job is to stop
     * @param looking returns how a job has ended
     */
    News(Server server, String name, Consumer<String> stop, ResultWatch.Looking looking) {
        this.server = server;
        this.name = name;
        this.stop = stop;
        results = new ResultWatch(server, looking, this::ended);
    }

    /** The channel on which the ends of the tasks of a submitter are told. */
    static String channel(String replyTo) {
        return ENDED + replyTo;
    }

    // ---- listeners ----

    Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        List<String> lists = interest.queues().stream().map(queue -> "rq:queue:" + queue).toList();
        var hearer = new Hearer(server, "sennit-rq", lists, Hearer.End.LEFT, interest, listener, this::closed);
        hearers.add(hearer);
        List<String> channels = channels(interest);
        if (!channels.isEmpty()) {
            want(channels);
        }
        hearer.start();
        return hearer;
    }

    private static List<String> channels(BrokerListener.Interest interest) {
        List<String> channels = new ArrayList<>();
        if (interest.replyTo() != null) {
            channels.add(channel(interest.replyTo()));
        }
        if (interest.worker() != null) {
            channels.add(WORKER + interest.worker());
            channels.add(ALL);
        }
        return channels;
    }

    private void closed(Hearer hearer) {
        hearers.remove(hearer);
        Set<String> old = new HashSet<>(channels(hearer.interest()));
        hearers.forEach(each -> old.removeAll(channels(each.interest())));
        if (!old.isEmpty()) {
            unwant(List.copyOf(old));
        }
        String replyTo = hearer.interest().replyTo();
        if (replyTo != null && old.contains(channel(replyTo))) {
            expected.forEach((id, to) -> {
                if (to.equals(replyTo)) {
                    expected.remove(id);
                    results.forget(id);
                }
            });
        }
    }

    /** Has the ends of tasks told whose submitter listens here. */
    void expect(Collection<QueuedTask> tasks) {
        List<String> ids = new ArrayList<>();
        for (QueuedTask task : tasks) {
            String replyTo = task.replyTo();
            if (replyTo != null && hearers.stream().anyMatch(each -> replyTo.equals(each.interest().replyTo()))) {
                expected.put(task.id(), replyTo);
                ids.add(task.id());
            }
        }
        results.expect(ids);
    }

    private void ended(EndedTask end) {
        String replyTo = expected.remove(end.id());
        if (replyTo != null) {
            tell(replyTo, end);
        }
    }

    private void tell(String replyTo, EndedTask end) {
        for (Hearer hearer : hearers) {
            if (replyTo.equals(hearer.interest().replyTo())) {
                hearer.tell(listener -> listener.ended(end));
            }
        }
    }

    // ---- sending ----

    /** Has a worker stop a job; one of Python too. */
    void sendStop(String worker, String id) {
        ObjectNode command = Json.object();
        command.put(COMMAND, STOP_JOB);
        command.put("job_id", id);
        publish(WORKER + worker, command);
    }

    void send(ControlMessage message) {
        ObjectNode command = Json.object();
        command.put(COMMAND, message.command());
        ObjectNode arguments = command.putObject("arguments");
        message.arguments().forEach(arguments::put);
        publish(message.worker() == null ? ALL : WORKER + message.worker(), command);
    }

    private void publish(String channel, JsonNode message) {
        server.once(List.of(Server.call(Command.PUBLISH, channel, Server.text(Json.write(message)))));
    }

    // ---- channels ----

    private void want(List<String> channels) {
        lock.lock();
        try {
            List<String> fresh = channels.stream().filter(wanted::add).toList();
            if (!isStarted && !isClosed) {
                isStarted = true;
                Thread.ofPlatform().daemon().name("sennit-rq-news").start(this::run);
                Thread.ofVirtual().name("sennit-rq-ping").start(this::ping);
            }
            if (line != null && !fresh.isEmpty()) {
                send(line, Command.SUBSCRIBE, fresh);
            }
            long left = TimeUnit.MILLISECONDS.toNanos(CONFIRM_MILLIS);
            while (!isClosed && left > 0 && !confirmed.containsAll(channels)) {
                left = changed.awaitNanos(left); // without it, whoever waits asks for results now and then
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private void unwant(List<String> channels) {
        lock.lock();
        try {
            channels.forEach(wanted::remove);
            List<String> old = channels.stream().filter(confirmed::remove).toList();
            if (line != null && !old.isEmpty()) {
                send(line, Command.UNSUBSCRIBE, old);
            }
        } finally {
            lock.unlock();
        }
    }

    private static void send(Server.Line to, Command command, List<String> channels) {
        try {
            to.send(command, channels.stream().map(Server::bytes).toList());
        } catch (JedisException e) {
            LOG.log(Level.DEBUG, "the connection for news is broken", e); // its reader sees it, too
        }
    }

    private void ping() {
        while (!isClosed) {
            try {
                Thread.sleep(PING_MILLIS);
            } catch (InterruptedException e) {
                continue;
            }
            lock.lock();
            try {
                if (line != null) {
                    send(line, Command.PING, List.of());
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private void run() {
        int failures = 0;
        while (!isClosed) {
            Server.Line fresh = null;
            try {
                fresh = server.connect(QUIET_MILLIS);
                List<String> channels;
                lock.lock();
                try {
                    confirmed.clear();
                    line = fresh;
                    channels = List.copyOf(wanted);
                } finally {
                    lock.unlock();
                }
                if (!channels.isEmpty()) {
                    send(fresh, Command.SUBSCRIBE, channels);
                }
                while (!isClosed) {
                    heard(fresh.next());
                    failures = 0;
                }
            } catch (JedisException | BrokerException e) {
                LOG.log(Level.DEBUG, "the connection for news broke", e);
                pause(Math.min(20L << Math.min(failures++, 6), 1000));
            } catch (IllegalStateException e) {
                return; // the broker is closed
            } catch (RuntimeException | Error e) {
                LOG.log(Level.ERROR, "news of " + name + " were not understood: " + e, e);
                pause(1000);
            } finally {
                lock.lock();
                try {
                    line = null;
                    confirmed.clear();
                } finally {
                    lock.unlock();
                }
                if (fresh != null) {
                    Server.close(fresh);
                }
            }
        }
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            // nobody interrupts these threads
        }
    }

    private void heard(Object message) {
        if (!(message instanceof List<?> parts) || parts.isEmpty() || !(parts.getFirst() instanceof byte[])) {
            return;
        }
        String kind = Server.text(parts.getFirst());
        if (kind.equals("subscribe")) {
            lock.lock();
            try {
                confirmed.add(Server.text(parts.get(1)));
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        } else if (kind.equals("message") && parts.size() == 3) {
            String channel = Server.text(parts.get(1));
            byte[] body = (byte[]) parts.get(2);
            if (channel.startsWith(ENDED)) {
                EndedTask end = Ends.read(body);
                if (end != null) {
                    expected.remove(end.id());
                    results.forget(end.id());
                    tell(channel.substring(ENDED.length()), end);
                }
            } else {
                commanded(channel.equals(ALL) ? null : channel.substring(WORKER.length()), body);
            }
        }
    }

    private void commanded(@Nullable String worker, byte[] body) {
        JsonNode node;
        try {
            node = Json.read(body);
        } catch (JacksonException e) {
            LOG.log(Level.DEBUG, "a command of RQ is no JSON");
            return;
        }
        String command = Json.text(node, COMMAND);
        if (command == null) {
            return;
        }
        String id = Json.text(node, "job_id");
        if (command.equals(STOP_JOB)) {
            if (id != null && worker != null) {
                stop.accept(id);
                tellWorker(worker, listener -> listener.cancelRequested(id));
            }
            return;
        }
        if (command.equals("kill-horse")) {
            LOG.log(Level.WARNING, name + " - kill-horse is for workers of one job: use stop-job, which names the job");
            return;
        }
        Map<String, String> arguments = new HashMap<>();
        JsonNode given = Json.member(node, "arguments");
        if (given != null) {
            given.properties().forEach(each -> arguments.put(each.getKey(), each.getValue().asString()));
        }
        var message = new ControlMessage(worker, command, arguments);
        tellWorker(worker, listener -> listener.control(message));
    }

    private void tellWorker(@Nullable String worker, Consumer<BrokerListener> call) {
        for (Hearer hearer : hearers) {
            String own = hearer.interest().worker();
            if (own != null && (worker == null || worker.equals(own))) {
                hearer.tell(call);
            }
        }
    }

    @Override
    public void close() {
        isClosed = true;
        hearers.forEach(Hearer::close);
        results.close();
        lock.lock();
        try {
            changed.signalAll();
            if (line != null) {
                Server.close(line);
            }
        } finally {
            lock.unlock();
        }
    }
}
