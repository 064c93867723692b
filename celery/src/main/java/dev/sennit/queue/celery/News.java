package dev.sennit.queue.celery;

import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.foreign.Hearer;
import dev.sennit.queue.redis.foreign.Channels;
import dev.sennit.queue.redis.foreign.Server;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;

/**
 * Hears what Redis publishes: results, ends of tasks, remote control. One connection for all listeners of a broker
 * object; if it breaks there is another one soon, which subscribes to the same channels, and looks for the results that
 * came between.
 *
 * <p>A submitter hears of a result on Celery's channel of the task. {@link #expect} returns when the subscription
 * holds, so the result cannot come before.
 */
final class News implements AutoCloseable {

    private final Server server;
    /** The channel of remote control. */
    private final String control;
    private final Consumer<byte[]> onRequest;
    private final List<Hearer> hearers = new CopyOnWriteArrayList<>();
    /** To whom the ends of tasks are told, by their ids. */
    private final Map<String, String> expected = new ConcurrentHashMap<>();
    private final Channels channels;

    News(Server server, String name, String control, Consumer<byte[]> onRequest, Runnable onConnected) {
        this.server = server;
        this.control = control;
        this.onRequest = onRequest;
        channels = new Channels(server, "sennit-celery", name, this::heard, () -> {
            onConnected.run();
            lookForMissed();
        });
    }

    /** Has a hearer told. */
    void add(Hearer hearer, boolean isControlled) {
        hearers.add(hearer);
        List<String> names = new ArrayList<>();
        if (hearer.interest().replyTo() != null) {
            names.add(RedisEnds.channel(hearer.interest().replyTo()));
        }
        if (isControlled) {
            names.add(control);
        }
        if (!names.isEmpty()) {
            channels.want(names);
        }
    }

    void remove(Hearer hearer) {
        hearers.remove(hearer);
        String replyTo = hearer.interest().replyTo();
        if (replyTo != null) {
            List<String> names = new ArrayList<>(List.of(RedisEnds.channel(replyTo)));
            expected.forEach((id, to) -> {
                if (to.equals(replyTo)) {
                    expected.remove(id);
                    names.add(Results.KEY + id);
                }
            });
            channels.unwant(names);
        }
    }

    /** Has the results of tasks told whose submitter listens here. */
    void expect(Collection<QueuedTask> tasks) {
        List<String> names = new ArrayList<>();
        for (QueuedTask task : tasks) {
            String replyTo = task.replyTo();
            if (replyTo != null && hearers.stream().anyMatch(each -> replyTo.equals(each.interest().replyTo()))) {
                expected.put(task.id(), replyTo);
                names.add(Results.KEY + task.id());
            }
        }
        if (!names.isEmpty()) {
            channels.want(names);
        }
    }

    private void lookForMissed() {
        List<String> ids = List.copyOf(expected.keySet());
        for (int i = 0; i < ids.size(); i += 500) {
            List<String> some = ids.subList(i, Math.min(i + 500, ids.size()));
            List<Object> answers = server.repeatable(
                    some.stream().map(id -> Server.call(Command.GET, Results.KEY + id)).toList());
            for (int k = 0; k < some.size(); k++) {
                ended(some.get(k), (byte[]) answers.get(k));
            }
        }
    }

    private void heard(String channel, byte[] body) {
        String replyTo = RedisEnds.replyTo(channel);
        if (channel.startsWith(Results.KEY)) {
            ended(channel.substring(Results.KEY.length()), body);
        } else if (replyTo != null) {
            reply(replyTo, Server.text(body));
        } else if (channel.equals(control)) {
            onRequest.accept(body);
        }
    }

    private void ended(String id, byte @Nullable [] meta) {
        EndedTask end = Results.end(id, meta);
        String replyTo = end == null ? null : expected.remove(id);
        if (end == null || replyTo == null) {
            return;
        }
        channels.unwant(List.of(Results.KEY + id));
        tell(replyTo, end);
    }

    private void reply(String replyTo, String id) {
        if (expected.containsKey(id)) {
            List<?> answer = (List<?>) server.repeatable(Server.call(Command.MGET, Results.KEY + id, Keys.ended(id)));
            ended(id, (byte[]) (answer.get(0) != null ? answer.get(0) : answer.get(1)));
            return;
        }
        List<?> answer = (List<?>) server.repeatable(Server.call(Command.MGET, Results.KEY + id, Keys.ended(id)));
        EndedTask end = Results.end(id, (byte[]) (answer.get(0) != null ? answer.get(0) : answer.get(1)));
        if (end != null) {
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

    @Override
    public void close() {
        hearers.forEach(Hearer::close);
        channels.close();
    }
}
