package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.LongString;
import dev.sennit.queue.foreign.Json;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A message that is to be published, and how kombu's envelopes become messages of AMQP and back: the headers of the
 * envelope are those of the message, its properties are properties, and its body is the body without base64.
 *
 * @param exchange the exchange
 * @param key the routing key
 * @param properties the properties
 * @param body the body
 * @param queue the queue that has to be there, or null if the message may go nowhere
 */
record Post(String exchange, String key, BasicProperties properties, byte[] body, @Nullable String queue) {
    private static final int PERSISTENT = 2;
    private static final int DEEPEST = 100;

    /** Returns a task's message for a queue, with the body that is given. */
    static Post of(Canvas.Out out, String body) {
        return new Post("", out.queue(),
                properties(out.envelope(), PERSISTENT).priority(out.priority() == 0 ? null : out.priority()).build(),
                body.getBytes(StandardCharsets.UTF_8), out.queue());
    }

    /** Returns a message that is no task. */
    static Post of(String exchange, String key, ObjectNode envelope) {
        String body = String.valueOf(Json.text(envelope, "body"));
        return new Post(exchange, key, properties(envelope, 1).build(), Base64.getDecoder().decode(body), null);
    }

    private static BasicProperties.Builder properties(ObjectNode envelope, int mode) {
        JsonNode properties = envelope.get("properties");
        return new BasicProperties.Builder()
                .contentType("application/json").contentEncoding("utf-8").deliveryMode(mode)
                .headers(table(envelope.get("headers")))
                .correlationId(Json.text(properties, "correlation_id"))
                .replyTo(Json.text(properties, "reply_to"));
    }

    /** Returns a copy of a message for a queue: its delivery is another one, and what RabbitMQ has noted is gone. */
    static Post again(BasicProperties properties, Map<String, Object> changes, byte[] body, String queue) {
        Map<String, Object> headers =
                properties.getHeaders() == null ? new HashMap<>() : new HashMap<>(properties.getHeaders());
        headers.keySet().removeIf(name -> name.startsWith("x-"));
        headers.putAll(changes);
        return new Post("", queue,
                properties.builder().headers(headers).expiration(null).deliveryMode(PERSISTENT).build(), body, queue);
    }

    // ---- tables ----

    /** Returns a table of AMQP. */
    static Map<String, Object> table(@Nullable JsonNode object) {
        Map<String, Object> table = new HashMap<>();
        if (object != null) {
            object.properties().forEach(each -> table.put(each.getKey(), value(each.getValue())));
        }
        return table;
    }

    static @Nullable Object value(JsonNode node) {
        return switch (node) {
            case ObjectNode object -> table(object);
            case ArrayNode array -> {
                List<@Nullable Object> all = new ArrayList<>();
                array.forEach(each -> all.add(value(each)));
                yield all;
            }
            case JsonNode text when text.isString() -> text.stringValue();
            case JsonNode flag when flag.isBoolean() -> flag.booleanValue();
            case JsonNode number when number.isIntegralNumber() && number.canConvertToInt() -> number.intValue();
            case JsonNode number when number.isIntegralNumber() && number.canConvertToLong() -> number.longValue();
            case JsonNode number when number.isNumber() -> number.decimalValue().doubleValue();
            default -> null;
        };
    }

    /** Returns a value of a table as JSON. */
    static JsonNode json(@Nullable Object value, int depth) {
        JsonNodeFactory nodes = Json.MAPPER.getNodeFactory();
        if (depth > DEEPEST) {
            throw new UnreadableException("a header is nested too deeply");
        }
        return switch (value) {
            case null -> nodes.nullNode();
            case LongString text -> nodes.stringNode(new String(text.getBytes(), StandardCharsets.UTF_8));
            case String text -> nodes.stringNode(text);
            case Boolean flag -> nodes.booleanNode(flag);
            case Byte number -> nodes.numberNode(number);
            case Short number -> nodes.numberNode(number);
            case Integer number -> nodes.numberNode(number);
            case Long number -> nodes.numberNode(number);
            case Float number -> nodes.numberNode(BigDecimal.valueOf(number));
            case Double number when Double.isFinite(number) -> nodes.numberNode(BigDecimal.valueOf(number));
            case BigDecimal number -> nodes.numberNode(number);
            case Date date -> nodes.stringNode(Message.time(Instant.ofEpochMilli(date.getTime())));
            case byte[] bytes -> nodes.stringNode(new String(bytes, StandardCharsets.UTF_8));
            case Map<?, ?> map -> {
                ObjectNode object = Json.object();
                map.forEach((name, each) -> object.set(String.valueOf(name), json(each, depth + 1)));
                yield object;
            }
            case List<?> list -> {
                ArrayNode array = Json.array();
                list.forEach(each -> array.add(json(each, depth + 1)));
                yield array;
            }
            default -> nodes.nullNode();
        };
    }

    /** Returns the envelope of a message, without its body. */
    static ObjectNode envelope(BasicProperties properties, String exchange, String key) {
        ObjectNode envelope = Json.object();
        envelope.put("content-type", properties.getContentType());
        envelope.put("content-encoding", properties.getContentEncoding());
        envelope.set("headers", properties.getHeaders() == null ? Json.object() : json(properties.getHeaders(), 0));
        ObjectNode all = envelope.putObject("properties");
        all.put("correlation_id", properties.getCorrelationId());
        all.put("reply_to", properties.getReplyTo());
        all.put("priority", properties.getPriority());
        ObjectNode info = all.putObject("delivery_info");
        info.put("exchange", exchange);
        info.put("routing_key", key);
        return envelope;
    }
}
