package dev.sennit.queue.rq;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.redis.foreign.Server;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes tasks as the arguments by which scripts enqueue jobs. */
final class Enqueuing {
    private final Instant now;

    Enqueuing(Instant now) {
        this.now = now;
    }

    /** Adds the arguments of all tasks of a batch. */
    void add(Batch batch, List<byte[]> arguments) {
        Map<String, List<String>> parts = parts(batch);
        String stamp = Clock.stamp(now);
        for (QueuedTask task : batch.tasks()) {
            byte[] message = Job.message(task);
            List<String> before = task.after() == null ? List.of() : parts.getOrDefault(task.after(), List.of());
            String place = task.after() != null ? "wait" : task.due() != null ? "due" : "line";
            for (String each : List.of(task.id(), task.queue(), place,
                    task.due() == null ? "" : Long.toString(Clock.millis(task.due().from(now))),
                    task.expires() == null ? "" : Long.toString(Clock.millis(task.expires().from(now))))) {
                arguments.add(Server.bytes(each));
            }
            arguments.add(message);
            Map<String, byte[]> fields = Job.fields(task, message, before, stamp);
            arguments.add(Server.bytes(fields.size()));
            fields.forEach((name, value) -> {
                arguments.add(Server.bytes(name));
                arguments.add(value);
            });
            arguments.add(Server.bytes(before.size()));
            before.forEach(id -> arguments.add(Server.bytes(id)));
        }
    }

    /** Returns the ids of the parts of each join, by their index. */
    private static Map<String, List<String>> parts(Batch batch) {
        Map<String, String[]> parts = new HashMap<>();
        for (Join join : batch.joins()) {
            parts.put(join.id(), new String[join.size()]);
        }
        for (QueuedTask task : batch.tasks()) {
            PartOf part = task.part();
            String[] ids = part == null ? null : parts.get(part.join());
            if (part != null && ids != null) {
                ids[part.index()] = task.id();
            }
        }
        Map<String, List<String>> all = new HashMap<>();
        parts.forEach((join, ids) -> all.put(join, new ArrayList<>(Arrays.asList(ids))));
        return all;
    }
}
