package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Messages of AMQP that were spoilt: their properties, headers and bodies. */
final class SpoiltMessages {
    private static final List<Object> VALUES = Arrays.asList(null, -1, Long.MAX_VALUE, "", "x", true, 1e300,
            List.of(1, List.of()), Map.of("a", Map.of()), new byte[] {-1, 0}, "{", "2026-11-20T23:16:12",
            "\u0000\n\ud83d", "9".repeat(300));

    /** One of them. */
    record Spoilt(BasicProperties properties, byte[] body) {}

    private SpoiltMessages() {}

    static Spoilt of(BasicProperties properties, byte[] body, SplittableRandom random) {
        Map<String, Object> headers = new HashMap<>(properties.getHeaders());
        byte[] spoilt = body.clone();
        BasicProperties.Builder others = properties.builder();
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    String name = List.copyOf(headers.keySet()).get(random.nextInt(headers.size()));
                    headers.put(name, VALUES.get(random.nextInt(VALUES.size())));
                }
                case 2 -> headers.remove(List.copyOf(headers.keySet()).get(random.nextInt(headers.size())));
                case 3 -> others.contentType(random.nextInt(4) == 0 ? "application/x-python-serialize" : null)
                        .correlationId(random.nextBoolean() ? null : "y".repeat(200))
                        .replyTo(random.nextBoolean() ? "nobody" : "");
                default -> spoilt[random.nextInt(spoilt.length)] = (byte) random.nextInt(256);
            }
            if (headers.isEmpty()) {
                headers.put("id", "x");
            }
        }
        if (random.nextInt(20) == 0) {
            spoilt = "[[], {}, {\"chord\": 3, \"chain\": [1], \"callbacks\": [null]}]".getBytes(StandardCharsets.UTF_8);
        }
        return new Spoilt(others.headers(headers).build(), spoilt);
    }
}
