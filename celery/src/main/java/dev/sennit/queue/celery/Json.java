package dev.sennit.queue.celery;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** JSON as trees, and arguments as the bytes that they are: numbers keep their digits. */
final class Json {
    /** As deep as the scripts read. */
    private static final int DEEPEST = 900;

    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNestingDepth(DEEPEST)
                    .build())
            .build())
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static ArrayNode array() {
        return MAPPER.createArrayNode();
    }

    static JsonNode read(byte[] json) {
        return MAPPER.readTree(json);
    }

    static byte[] write(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    /** Returns a text as JSON has it. */
    static String quoted(String text) {
        return new String(write(MAPPER.getNodeFactory().stringNode(text)), StandardCharsets.UTF_8);
    }

    /** Returns the text of a member, or null if there is none, or it is no text. */
    static @Nullable String text(@Nullable JsonNode node, String name) {
        JsonNode value = node == null ? null : node.get(name);
        return value != null && value.isString() ? value.stringValue() : null;
    }

    /** Returns a member, or null if there is none, or it is null. */
    static @Nullable JsonNode member(@Nullable JsonNode node, String name) {
        JsonNode value = node == null ? null : node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    static boolean isTrue(@Nullable JsonNode value) {
        return value != null && value.isBoolean() && value.booleanValue();
    }

    /** Returns the kind of a text that is JSON as a whole, or null if it is not. */
    static @Nullable JsonToken kind(byte[] json) {
        try (JsonParser parser = MAPPER.createParser(json)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return null;
            }
            parser.skipChildren();
            parser.finishToken();
            return parser.nextToken() == null ? first : null;
        } catch (JacksonException e) {
            return null;
        }
    }

    /**
     * Divides a list into the texts of its elements that are lists or objects.
     *
     * @return the texts; null if it is no list of so many elements, each of which is a list or an object
     */
    static String @Nullable [] elements(byte[] json, int count) {
        try (JsonParser parser = MAPPER.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                return null;
            }
            String[] texts = new String[count];
            for (int i = 0; i < count; i++) {
                JsonToken token = parser.nextToken();
                if (token != JsonToken.START_ARRAY && token != JsonToken.START_OBJECT) {
                    return null;
                }
                int from = (int) parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                int to = (int) parser.currentLocation().getByteOffset();
                texts[i] = new String(json, from, to - from, StandardCharsets.UTF_8);
            }
            return parser.nextToken() == JsonToken.END_ARRAY && parser.nextToken() == null ? texts : null;
        } catch (JacksonException e) {
            return null;
        }
    }

    /** Returns the text of a member of an object as it was written; null in JSON if there is none. */
    static byte[] member(byte[] json, String name) {
        try (JsonParser parser = MAPPER.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean isIt = parser.currentName().equals(name);
                parser.nextToken();
                int from = (int) parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                parser.finishToken();
                if (isIt) {
                    int to = (int) parser.currentLocation().getByteOffset();
                    return new String(json, from, to - from, StandardCharsets.UTF_8).strip()
                            .getBytes(StandardCharsets.UTF_8);
                }
            }
        }
        return "null".getBytes(StandardCharsets.UTF_8);
    }

    /** Returns how many elements a list has, or entries an object. */
    static int size(String json) {
        return MAPPER.readTree(json).size();
    }

    /** Returns what stands between the brackets of a list or an object. */
    static String inner(String json) {
        String text = json.strip();
        return text.substring(1, text.length() - 1).strip();
    }
}
