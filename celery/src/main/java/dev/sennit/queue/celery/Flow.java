package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.QueuedTask;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What is sent for a batch. */
final class Flow {
    /** For how long at least it is known that an id was enqueued. */
    private static final Duration KNOWN = Duration.ofDays(1);

    /**
     * A message, and the sizes of chords that belong to it.
     *
     * @param out the message
     * @param expires when it is too late to begin, or null
     * @param sizes the sizes
     */
    record Sent(Canvas.Out out, @Nullable Instant expires, List<Canvas.Size> sizes) {
        void addTo(List<byte[]> arguments) {
            arguments.add(Server.bytes(out.id()));
            arguments.add(Server.bytes(KNOWN.toSeconds()));
            arguments.add(expires == null ? new byte[0] : Server.bytes(expires.toEpochMilli()));
            arguments.add(Server.bytes(out.list()));
            arguments.add(out.before());
            arguments.add(Server.bytes(sizes.size()));
            for (Canvas.Size size : sizes) {
                arguments.add(Server.bytes(size.key()));
                arguments.add(Server.bytes(size.parts()));
            }
        }
    }

    private final List<Sent> sent = new ArrayList<>();

    private Flow() {}

    List<Sent> sent() {
        return sent;
    }

    static Flow of(Batch batch, Address address, String origin, Instant now) {
        var flow = new Flow();
        if (!batch.joins().isEmpty()) {
            throw new UnsupportedOperationException(address + " has no " + BrokerFeature.JOINS.name());
        }
        for (QueuedTask task : batch.tasks()) {
            var canvas = new Canvas(address, origin, now);
            ObjectNode options = Json.object();
            options.put("root_id", task.root());
            canvas.send(task, options, now);
            flow.sent.add(new Sent(canvas.outs().getFirst(),
                    task.expires() == null ? null : task.expires().from(now), canvas.sizes()));
        }
        return flow;
    }
}
