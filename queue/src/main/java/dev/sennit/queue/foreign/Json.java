package dev.sennit.queue.foreign;

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
public final class Json {
    /** As deep as the scripts read. */
    private static final int DEEPEST = 900;

    /** Reads and writes all of it. */
    public static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNestingDepth(DEEPEST)
                    .build())
            .build())
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /** Returns an empty object. */
    public static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** Returns an empty list. */
    public static ArrayNode array() {
        return MAPPER.createArrayNode();
    }

    /** Reads a text, which has to be JSON as a whole. */
    public static JsonNode read(byte[] json) {
        return MAPPER.readTree(json);
    }

    /** Writes a value. */
    public static byte[] write(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    /** Returns a text as JSON has it. */
    public static String quoted(String text) {
        return new String(write(MAPPER.getNodeFactory().stringNode(text)), StandardCharsets.UTF_8);
    }

    /** Returns the text of a member, or null if there is none, or it is no text. */
    public static @Nullable String text(@Nullable JsonNode node, String name) {
        JsonNode value = node == null ? null : node.get(name);
        return value != null && value.isString() ? value.stringValue() : null;
    }

    /** Returns a member, or null if there is none, or it is null. */
    public static @Nullable JsonNode member(@Nullable JsonNode node, String name) {
        JsonNode value = node == null ? null : node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    /** Returns whether a value is true. */
    public static boolean isTrue(@Nullable JsonNode value) {
        return value != null && value.isBoolean() && value.booleanValue();
    }

    /** Returns the kind of a text that is JSON as a whole, or null if it is not. */
    public static @Nullable JsonToken kind(byte[] json) {
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
     * Divides a list into the texts of its elements, as they were written.
     *
     * @return the texts; null if it is no list of so many elements
     */
    public static String @Nullable [] elements(byte[] json, int count) {
        if (json.length < 2 || json[0] != '[' || json[1] == 0) { // else it may be UTF-16, whose places are others
            return null;
        }
        try (JsonParser parser = MAPPER.createParser(json)) {
            parser.nextToken();
            String[] texts = new String[count];
            for (int i = 0; i < count; i++) {
                JsonToken token = parser.nextToken();
                if (token == null || token == JsonToken.END_ARRAY) {
                    return null;
                }
                int from = (int) parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                parser.finishToken();
                int to = (int) parser.currentLocation().getByteOffset();
                texts[i] = new String(json, from, to - from, StandardCharsets.UTF_8).strip();
            }
            return parser.nextToken() == JsonToken.END_ARRAY && parser.nextToken() == null ? texts : null;
        } catch (JacksonException e) {
            return null;
        }
    }

    /** Returns the text of a member of an object as it was written; null in JSON if there is none. */
    public static byte[] member(byte[] json, String name) {
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
    public static int size(String json) {
        return MAPPER.readTree(json).size();
    }

    /** Returns what stands between the brackets of a list or an object. */
    public static String inner(String json) {
        String text = json.strip();
        return text.substring(1, text.length() - 1).strip();
    }
}
