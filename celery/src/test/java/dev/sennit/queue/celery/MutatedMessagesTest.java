package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.foreign.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** Messages that were spoilt are read, or refused in one way; a task that was read can always be ended. */
class MutatedMessagesTest {
    private static final int MUTATIONS = Integer.getInteger("sennit.mutations", 20_000);
    private static final byte[] RESULT = "[1, 2]".getBytes(StandardCharsets.UTF_8);

    private final RedisAddress address = new RedisAddress(BrokerUri.parse("celery+redis://localhost"));
    private final RedisEnds ends = new RedisEnds(address);
    private final Instant now = Instant.parse("2026-01-02T03:04:05Z");

    private static ObjectNode signature(String task, String options, String type) {
        return (ObjectNode) Json
                .read(("{\"task\": \"" + task + "\", \"args\": [1, \"x\"], \"kwargs\": {}, \"options\": "
                        + options + ", \"subtask_type\": " + type + ", \"immutable\": false}")
                        .getBytes(StandardCharsets.UTF_8));
    }

    private List<byte[]> messages() {
        ObjectNode options = Json.object();
        options.putArray("link").add(signature("tasks.linked", "{\"queue\": \"python\", \"priority\": 3}", "null"));
        options.putArray("link_error").add(signature("tasks.note", "{}", "null"));
        options.putArray("chain").add(signature("tasks.last", "{\"task_id\": \"last\", \"countdown\": 3.5}", "null"))
                .add(Canvas.chordOf((ObjectNode) Json.read("""
                        {"task": "celery.group", "args": [], "kwargs": {"tasks": [
                          {"task": "a", "args": [1], "kwargs": {}, "options": {}, "subtask_type": null},
                          {"task": "celery.chain", "kwargs": {"tasks": [{"task": "b", "args": []}]},
                           "options": {}, "subtask_type": "chain"}]},
                         "options": {"task_id": "gid"}, "subtask_type": "group", "immutable": false}"""
                        .getBytes(StandardCharsets.UTF_8)),
                        signature("tasks.body", "{\"task_id\": \"body\"}", "null")));
        options.set("chord", signature("tasks.total", "{\"task_id\": \"total\", \"link_error\": []}", "null"));
        options.put("group_id", "group");
        options.put("group_index", 3);
        options.put("eta", "2026-11-20T23:16:12.372007+00:00");
        options.put("expires", 60);
        options.put("time_limit", 10);
        options.put("soft_time_limit", 5.5);
        var foreign = new Canvas(address, "me", now);
        foreign.send(signature("tasks.work", "{\"task_id\": \"one\"}", "null"), null, options);
        var own = new Canvas(address, "me", now);
        own.send(QueuedTask.of("work", "{\"a\": [1, 2.50]}".getBytes(StandardCharsets.UTF_8))
                .retry(RetryPolicy.attempts(3)).headers(Map.of("tenant", "7")).hardLimit(Duration.ofSeconds(3))
                .onDead(List.of(QueuedTask.of("callback", "\"x\"".getBytes(StandardCharsets.UTF_8)).build())).build(),
                Json.object(), now);
        List<byte[]> messages = new ArrayList<>();
        messages.add(foreign.outs().getFirst().before());
        messages.add(own.outs().getFirst().before());
        return messages;
    }

    @Test
    void eachIsReadOrRefused() {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        var random = new SplittableRandom(seed);
        List<byte[]> messages = messages();
        int read = 0;
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] spoilt = spoilt(messages.get(i % messages.size()), random);
            try {
                end(spoilt);
                read++;
            } catch (UnreadableException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
                refused++;
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed + ", mutation " + i + ": "
                        + new String(spoilt, StandardCharsets.ISO_8859_1), e);
            }
        }
        assertThat(read).as("seed " + seed).isPositive();
        assertThat(refused).as("seed " + seed).isPositive();
    }

    @Test
    void eachOfAmqpIsReadOrRefused() {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        var random = new SplittableRandom(seed);
        List<Post> posts = new ArrayList<>();
        for (byte[] raw : messages()) {
            ObjectNode envelope = (ObjectNode) Json.read(raw);
            posts.add(Post.of("", "celery", envelope));
        }
        int read = 0;
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            Post post = posts.get(i % posts.size());
            SpoiltMessages.Spoilt spoilt = SpoiltMessages.of(post.properties(), post.body(), random);
            try {
                Message message = Message.of(Post.envelope(spoilt.properties(), "", "celery"), spoilt.body());
                QueuedTask task = message.task(address, "default");
                message.eta();
                message.expires();
                var held = new Held(message.id(), 1, 0, "default", new RedisTransport.Entry("celery", post.body()), "w",
                        message, task, 0);
                new Ending(address, held, Ending.Kind.DONE, "me", now).success(RESULT, List.of()).steps()
                        .forEach(step -> {
                            if (step instanceof Step.Send send) {
                                Post.of(send.out(), send.out().body());
                            }
                        });
                read++;
            } catch (UnreadableException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
                refused++;
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed + ", mutation " + i + ": " + spoilt.properties() + " "
                        + new String(spoilt.body(), StandardCharsets.ISO_8859_1), e);
            }
        }
        assertThat(read).as("seed " + seed).isPositive();
        assertThat(refused).as("seed " + seed).isPositive();
    }

    @Test
    void unspoiltOnesAreRead() {
        messages().forEach(this::end);
    }

    private void end(byte[] raw) {
        Message message = Message.read(raw);
        QueuedTask task = message.task(address, "default");
        message.eta();
        message.expires();
        var held =
                new Held(message.id(), 1, 0, "default", new RedisTransport.Entry("celery", raw), "w", message, task, 0);
        try {
            ends.call(new Ending(address, held, Ending.Kind.DONE, "me", now).success(RESULT, List.of()));
        } catch (UnreadableException e) {
            // what follows is no signature: the task fails
        }
        var error = new ErrorInfo("a.B", "c", "");
        ends.call(new Ending(address, held, Ending.Kind.OTHER, "me", now).dead(DeadReason.FAILED, error));
        ends.call(new Ending(address, held, Ending.Kind.CANCELLED, "me", now).revoked(true));
        Message.read(message.again(now));
    }

    /** Spoils the entry, or the body within it. */
    private static byte[] spoilt(byte[] raw, SplittableRandom random) {
        if (random.nextInt(3) == 0) {
            return mutated(raw, random);
        }
        ObjectNode envelope = (ObjectNode) Json.read(raw);
        byte[] body = Base64.getDecoder().decode(envelope.get("body").stringValue());
        envelope.put("body", Base64.getEncoder().encodeToString(mutated(body, random)));
        return Json.write(envelope);
    }

    private static byte[] mutated(byte[] bytes, SplittableRandom random) {
        byte[] copy = bytes.clone();
        String[] words = {"null", "-1", "{}", "[]", "1e999", "\"\"", "true", "999999999999999999999", "[[[["};
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            int at = random.nextInt(copy.length);
            switch (random.nextInt(4)) {
                case 0 -> copy[at] = (byte) random.nextInt(256);
                case 1 -> copy[at] = (byte) "{}[],:\"0123456789nulltrue".charAt(random.nextInt(24));
                case 2 -> {
                    byte[] word = words[random.nextInt(words.length)].getBytes(StandardCharsets.US_ASCII);
                    System.arraycopy(word, 0, copy, at, Math.min(word.length, copy.length - at));
                }
                default -> {
                    String text = new String(copy, StandardCharsets.ISO_8859_1);
                    int colon = text.indexOf(':', at);
                    int end = colon < 0 ? -1 : text.indexOf(',', colon);
                    if (end > 0) { // another value
                        copy = (text.substring(0, colon + 1) + words[random.nextInt(words.length)]
                                + text.substring(end)).getBytes(StandardCharsets.ISO_8859_1);
                    }
                }
            }
        }
        return copy;
    }
}
