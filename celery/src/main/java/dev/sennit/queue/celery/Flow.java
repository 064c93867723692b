package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.foreign.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The messages of a batch. Tasks that wait for others travel inside the messages of those, as Celery's canvas does it:
 *
 * <pre>
 * a join of one part, one task waits          a chain; its first task is sent, which holds the others
 * a join of one part, several tasks wait      callbacks (link) of the part
 * a join of several parts, one task waits     a chord; the parts are sent, each holds the task as the chord's body
 * </pre>
 *
 * <p>A task gets the result of the part, or the list of all of them, as its argument; or it has its own, and is
 * immutable. All else is refused: a join for which several tasks wait, nested lists of results, error callbacks of a
 * join.
 */
final class Flow {
    private static final String GROUP_OF_ONE = "(1)";

    /**
     * A message, and the sizes of chords that belong to it.
     *
     * @param out the message
     * @param expires when it is too late to begin, or null
     * @param sizes the sizes
     */
    record Sent(Canvas.Out out, @Nullable Instant expires, List<Canvas.Size> sizes) {}

    private final Batch batch;
    private final Address address;
    private final String origin;
    private final Instant now;
    private final Map<String, Join> joins = new HashMap<>();
    /** By the ids of joins. */
    private final Map<String, List<QueuedTask>> waiting = new HashMap<>();
    /** The successors of a join, by its id: made once, as the parts of a chord share it. */
    private final Map<String, ObjectNode> bodies = new HashMap<>();

    /** Sizes of chords whose parts are sent later: they are there from the beginning. */
    private final List<Canvas.Size> later = new ArrayList<>();

    private final List<Sent> sent = new ArrayList<>();

    private Flow(Batch batch, Address address, String origin, Instant now) {
        this.batch = batch;
        this.address = address;
        this.origin = origin;
        this.now = now;
    }

    List<Sent> sent() {
        return sent;
    }

    /**
     * Makes the messages.
     *
     * @throws UnsupportedOperationException if a workflow cannot be told in Celery's messages
     */
    static Flow of(Batch batch, Address address, String origin, Instant now) {
        var flow = new Flow(batch, address, origin, now);
        flow.send();
        return flow;
    }

    private void send() {
        batch.joins().forEach(join -> joins.put(join.id(), join));
        for (QueuedTask task : batch.tasks()) {
            if (task.after() != null) {
                waiting.computeIfAbsent(task.after(), _ -> new ArrayList<>()).add(task);
            }
        }
        for (Join join : joins.values()) {
            ensureCelerys(join);
        }
        for (QueuedTask task : batch.tasks()) {
            if (task.after() == null) {
                send(task);
            }
        }
        if (!sent.isEmpty()) {
            sent.getFirst().sizes().addAll(later);
        }
    }

    private void ensureCelerys(Join join) {
        List<QueuedTask> next = waiting.getOrDefault(join.id(), List.of());
        if (!join.onDead().isEmpty()) {
            throw refused("Celery knows error callbacks of tasks, not those of groups: give them to the tasks");
        }
        if (join.size() > 1 && next.size() > 1) {
            throw refused("a chord of Celery has one body, but " + next.size() + " tasks wait for a group");
        }
        if (join.size() > 1 && next.isEmpty()) {
            return; // a group for which nobody waits
        }
        for (QueuedTask task : next) {
            String how = task.headers().get(QueuedTask.ARGUMENT);
            boolean isUsual = how == null || how.equals(Message.OWN)
                    || how.equals(GROUP_OF_ONE) && join.size() == 1
                    || how.equals("(" + join.size() + ")");
            if (!isUsual) {
                throw refused("a task of Celery gets the result of one task, or the list of those of a group, but "
                        + task.type() + " is to get " + how);
            }
        }
    }

    private UnsupportedOperationException refused(String why) {
        return new UnsupportedOperationException(address + " has no " + BrokerFeature.JOINS.name() + " but chains,"
                + " groups and chords: " + why);
    }

    private void send(QueuedTask task) {
        var canvas = new Canvas(address, origin, now);
        ObjectNode options = Json.object();
        options.put("root_id", task.root());
        List<Canvas.Size> sizes = new ArrayList<>();
        follow(task, options, sizes);
        canvas.send(task, options, now);
        sizes.addAll(canvas.sizes());
        sent.add(new Sent(canvas.outs().getFirst(), task.expires() == null ? null : task.expires().from(now), sizes));
    }

    /** Adds what follows a task to its options: a chain in reverse, callbacks, and the chord of which it is a part. */
    private void follow(QueuedTask first, ObjectNode options, List<Canvas.Size> sizes) {
        ArrayNode chain = Json.array();
        ObjectNode last = options;
        QueuedTask task = first;
        while (task.part() != null) {
            PartOf part = task.part();
            Join join = Objects.requireNonNull(joins.get(part.join()));
            List<QueuedTask> next = waiting.getOrDefault(join.id(), List.of());
            if (next.isEmpty()) {
                break;
            }
            if (isChord(join, next)) {
                last.put("group_id", join.id());
                last.put("group_index", part.index());
                last.set("chord", body(join.id(), next.getFirst()));
                sizes.add(new Canvas.Size(Canvas.GROUP + join.id() + ".s", join.size()));
                break;
            }
            if (next.size() > 1) {
                ArrayNode callbacks = last.putArray("link");
                next.forEach(each -> callbacks.add(signature(each)));
                break;
            }
            task = next.getFirst();
            ObjectNode signature = plain(task);
            chain.add(signature);
            last = (ObjectNode) signature.get("options");
        }
        if (!chain.isEmpty()) {
            ArrayNode reversed = options.putArray("chain");
            for (int i = chain.size() - 1; i >= 0; i--) {
                reversed.add(chain.get(i));
            }
        }
    }

    private static boolean isChord(Join join, List<QueuedTask> next) {
        return join.size() > 1
                || next.size() == 1 && GROUP_OF_ONE.equals(next.getFirst().headers().get(QueuedTask.ARGUMENT));
    }

    private ObjectNode body(String join, QueuedTask task) {
        ObjectNode made = bodies.get(join);
        if (made == null) {
            made = signature(task);
            bodies.put(join, made);
        }
        return made;
    }

    /** Returns the signature of a task with all that follows it. */
    private ObjectNode signature(QueuedTask task) {
        ObjectNode signature = plain(task);
        follow(task, (ObjectNode) signature.get("options"), later);
        return signature;
    }

    private ObjectNode plain(QueuedTask task) {
        boolean isOwn = Message.OWN.equals(task.headers().get(QueuedTask.ARGUMENT));
        Map<String, String> headers = new HashMap<>(task.headers());
        headers.remove(QueuedTask.ARGUMENT);
        QueuedTask rest = task.toBuilder().headers(headers).build();
        ObjectNode signature =
                Canvas.signature(address, isOwn ? rest : rest.toBuilder().payload(new byte[0]).build(), isOwn, now);
        ((ObjectNode) signature.get("options")).put("root_id", task.root());
        return signature;
    }
}
