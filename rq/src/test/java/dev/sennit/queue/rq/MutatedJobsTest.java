package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;

/** Jobs that were spoilt are read, or refused in one way; a job that was read can always be ended. */
class MutatedJobsTest {
    private static final int MUTATIONS = Integer.getInteger("sennit.mutations", 20_000);
    private static final byte[] RESULT = "[1, 2]".getBytes(StandardCharsets.UTF_8);
    private static final byte[] NOTHING = {};
    private static final String STAMP = "2026-01-02T03:04:05.000006Z";
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final List<String> NAMES = List.of("created_at", "data", "sennit", "timeout", "retries_left",
            "retry_intervals", "meta", "result_ttl", "failure_ttl");
    private static final int ALL = 13;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<byte[]> fields(Map<String, byte[]> hash) {
        List<byte[]> fields = new ArrayList<>();
        NAMES.forEach(name -> fields.add(hash.getOrDefault(name, NOTHING)));
        while (fields.size() < ALL) {
            fields.add(NOTHING);
        }
        return fields;
    }

    private static QueuedTask own() {
        return QueuedTask.of("work", bytes("{\"a\": [1, 2.50]}")).id("own")
                .retry(RetryPolicy.attempts(3)).headers(Map.of("tenant", "7")).hardLimit(Duration.ofSeconds(3))
                .onDead(List.of(QueuedTask.of("callback", bytes("\"x\"")).build())).build();
    }

    private static List<List<byte[]>> jobs() {
        return jobs(own());
    }

    private static List<List<byte[]>> jobs(QueuedTask own) {
        return List.of(fields(Job.fields(own, Job.message(own), List.of(), STAMP)), fields(Map.of(
                "created_at", bytes(STAMP),
                "data", Job.deflated(bytes("[\"java.add\", null, [20, {\"x\": 1e3}], {\"y\": \"\\u00e4\"}]")),
                "timeout", bytes("180"), "retries_left", bytes("3"), "retry_intervals", bytes("[1, 5, 60]"),
                "meta", bytes("{\"tenant\": \"7\", \"deep\": {\"a\": [null]}}"), "result_ttl", bytes("500"),
                "failure_ttl", bytes("-1"))));
    }

    @Test
    void eachIsReadOrRefused() {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        var random = new SplittableRandom(seed);
        List<List<byte[]>> jobs = jobs();
        int read = 0;
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            List<byte[]> spoilt = spoilt(jobs.get(i % jobs.size()), random);
            try {
                end(spoilt, i % jobs.size() == 0 ? "own" : "foreign");
                read++;
            } catch (UnreadableException e) {
                assertThat(e.getMessage()).isNotEmpty();
                refused++;
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed + ", mutation " + i + ": " + spoilt.stream()
                        .map(field -> new String(field, StandardCharsets.ISO_8859_1)).toList(), e);
            }
        }
        assertThat(read).as("seed " + seed).isPositive();
        assertThat(refused).as("seed " + seed).isPositive();
    }

    @Test
    void unspoiltOnesAreRead() {
        end(jobs().get(0), "own");
        end(jobs().get(1), "foreign");
        QueuedTask own = own();
        assertThat(Job.read("own", "default", 0, jobs(own).get(0)).task()).usingRecursiveComparison().isEqualTo(own);
    }

    @Test
    void aBombIsRefusedBeforeItFillsTheMemory() {
        byte[] zeros = new byte[1 << 20];
        var bomb = new ByteArrayOutputStream();
        try (var deflater = new Deflater()) {
            byte[] part = new byte[1 << 16];
            for (int i = 0; i < 100; i++) {
                deflater.setInput(zeros);
                while (!deflater.needsInput()) {
                    bomb.write(part, 0, deflater.deflate(part));
                }
            }
            deflater.finish();
            while (!deflater.finished()) {
                bomb.write(part, 0, deflater.deflate(part));
            }
        }
        assertThat(bomb.size()).isLessThan(200_000);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> Job.Data.read(bomb.toByteArray()))
                .isInstanceOf(UnreadableException.class).hasMessageContaining("larger than 64 MB");
    }

    @Test
    void resultsThatWereSpoiltAreEnds() {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        var random = new SplittableRandom(seed);
        var error = new ErrorInfo("a.B", "c", "");
        byte[] exception = Ends.exception(new ErrorInfo("ValueError", "x", "Traceback\n  at x\nValueError: x"));
        List<byte[]> answer = List.of(bytes("failed"), bytes("default"), bytes(STAMP), bytes(STAMP), NOTHING,
                Job.message(own()), Job.deflated(bytes("[\"java.add\", null, [], {}]")), bytes("2"),
                Base64.getEncoder().encode(RESULT), exception, Ends.about(own(), 3, DeadReason.FAILED, error), NOTHING);
        for (int i = 0; i < MUTATIONS; i++) {
            List<byte[]> spoilt = spoilt(answer, random);
            try {
                Ends.of("x", spoilt);
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed + ", mutation " + i, e);
            }
        }
        assertThat(Ends.of("x", answer)).isNotNull();
    }

    private static void end(List<byte[]> fields, String id) {
        Job job = Job.read(id, "default", 1, fields);
        var held = new Held(2, 1, 0, "w", job);
        var error = new ErrorInfo("a.B", "c", "");
        Ending.success(held, RESULT, Batch.EMPTY, NOW);
        Ending.dead(held, DeadReason.FAILED, error, false, NOW);
        Ending.stopped(held, false, NOW);
        Ending.retry(held, Duration.ofSeconds(1), NOW);
    }

    /** Spoils one or several fields, or the data within its compression. */
    private static List<byte[]> spoilt(List<byte[]> fields, SplittableRandom random) {
        List<byte[]> copy = new ArrayList<>(fields);
        for (int n = 1 + random.nextInt(2); n > 0; n--) {
            int at = random.nextInt(copy.size());
            if (random.nextInt(3) == 0) {
                at = 1;
                String data = Job.text(copy.get(at));
                if (!data.isEmpty()) {
                    copy.set(at, Job.deflated(mutated(bytes(data), random)));
                }
            } else if (copy.get(at).length > 0) {
                copy.set(at, mutated(copy.get(at), random));
            } else {
                copy.set(at, bytes("1"));
            }
        }
        return copy;
    }

    private static byte[] mutated(byte[] bytes, SplittableRandom random) {
        byte[] copy = bytes.clone();
        String[] words = {"null", "-1", "{}", "[]", "1e999", "\"\"", "true", "999999999999999999999", "[[[["};
        for (int n = 1 + random.nextInt(3); n > 0 && copy.length > 0; n--) {
            int at = random.nextInt(copy.length);
            switch (random.nextInt(4)) {
                case 0 -> copy[at] = (byte) random.nextInt(256);
                case 1 -> copy[at] = (byte) "{}[],:\"0123456789nulltrue".charAt(random.nextInt(24));
                case 2 -> {
                    byte[] word = bytes(words[random.nextInt(words.length)]);
                    System.arraycopy(word, 0, copy, at, Math.min(word.length, copy.length - at));
                }
                default -> copy = Arrays.copyOf(copy, at);
            }
        }
        return copy;
    }
}
