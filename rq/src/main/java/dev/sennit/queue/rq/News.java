package dev.sennit.queue.rq;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.foreign.Hearer;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Channels;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.queue.redis.foreign.Watches;
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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Hears what Redis publishes, for all listeners of a broker object: commands for workers, ends of tasks.
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

    private final Server server;
    private final String name;
    private final Consumer<String> stop;
    private final ResultWatch results;
    private final List<Hearer> hearers = new CopyOnWriteArrayList<>();
    /** To whom the ends of tasks are told, by their ids. */
    private final Map<String, String> expected = new ConcurrentHashMap<>();
    private final Channels channels;

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
        channels = new Channels(server, "sennit-rq", name, this::heard, () -> {});
        results = new ResultWatch(server, looking, this::ended);
    }

    /** The channel on which the ends of the tasks of a submitter are told. */
    static String channel(String replyTo) {
        return ENDED + replyTo;
    }

    // ---- listeners ----

    Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        List<String> lists = interest.queues().stream().map(queue -> "rq:queue:" + queue).toList();
        var hearer = new Hearer("sennit-rq", interest, listener, this::closed);
        hearers.add(hearer);
        List<String> names = channels(interest);
        if (!names.isEmpty()) {
            channels.want(names);
        }
        hearer.start(new Watches(server, "sennit-rq", hearer, lists, Watches.End.LEFT));
        return hearer;
    }

    private static List<String> channels(BrokerListener.Interest interest) {
        List<String> names = new ArrayList<>();
        if (interest.replyTo() != null) {
            names.add(channel(interest.replyTo()));
        }
        if (interest.worker() != null) {
            names.add(WORKER + interest.worker());
            names.add(ALL);
        }
        return names;
    }

    private void closed(Hearer hearer) {
        hearers.remove(hearer);
        Set<String> old = new HashSet<>(channels(hearer.interest()));
        hearers.forEach(each -> old.removeAll(channels(each.interest())));
        if (!old.isEmpty()) {
            channels.unwant(List.copyOf(old));
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

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            // nobody interrupts these threads
        }
    }

    private void heard(String channel, byte[] body) {
        if (!channel.startsWith(ENDED)) {
            commanded(channel.equals(ALL) ? null : channel.substring(WORKER.length()), body);
            return;
        }
        EndedTask end = Ends.read(body);
        if (end != null) {
            expected.remove(end.id());
            results.forget(end.id());
            tell(channel.substring(ENDED.length()), end);
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
        hearers.forEach(Hearer::close);
        results.close();
        channels.close();
    }
}
