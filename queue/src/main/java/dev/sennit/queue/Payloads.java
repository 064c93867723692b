package dev.sennit.queue;

import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Arguments, results and checkpoints as JSON: fields that a class does not know are passed over, so that old workers
 * read what new submitters send; fields that are missing are an error, so that nothing is quietly null or 0. Types are
 * those of the task type alone: nothing in JSON names a class.
 */
final class Payloads {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Payloads() {}

    /** Writes a value; {@code what} is the beginning of the message if it cannot be written. */
    static byte[] write(String what, @Nullable Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JacksonException e) {
            throw new TaskDataException(what + " cannot be written as JSON: " + text(e), e);
        }
    }

    /** Reads a value; {@code what} is the beginning of the message if it cannot be read. */
    static @Nullable Object read(String what, byte[] json, Type type) {
        try {
            return MAPPER.readValue(json, MAPPER.constructType(type));
        } catch (JacksonException e) {
            throw new TaskDataException(what + " cannot be read as " + type.getTypeName() + ": " + text(e), e);
        }
    }

    /**
     * Reads a record of a call in another language: a list of arguments, by the order of the components; or, if it is
     * mixed, {@code {"args": [...], "kwargs": {...}}}.
     */
    static @Nullable Object readRecord(String what, byte[] json, Class<?> type, boolean isMixed) {
        try {
            JsonNode call = MAPPER.readTree(json);
            JsonNode list = isMixed ? call.path("args") : call;
            ObjectNode named =
                    isMixed && call.get("kwargs") instanceof ObjectNode object ? object : MAPPER.createObjectNode();
            RecordComponent[] components = type.getRecordComponents();
            if (!list.isArray() || list.size() > components.length) {
                throw new TaskDataException(what + " has " + list.size() + " arguments, but " + type.getSimpleName()
                        + " has " + components.length + " components", null);
            }
            for (int i = 0; i < list.size(); i++) {
                if (named.putIfAbsent(components[i].getName(), list.get(i)) != null) {
                    throw new TaskDataException(what + " has " + components[i].getName() + " twice", null);
                }
            }
            return MAPPER.treeToValue(named, type);
        } catch (JacksonException e) {
            throw new TaskDataException(what + " cannot be read as " + type.getTypeName() + ": " + text(e), e);
        }
    }

    /** Returns what is wrong and where, in one line, without the JSON itself. */
    private static String text(JacksonException e) {
        String text = e.getOriginalMessage().lines().findFirst().orElse("");
        if (e instanceof DatabindException placed && !placed.getPath().isEmpty()) {
            var path = new StringBuilder();
            for (JacksonException.Reference step : placed.getPath()) {
                if (step.getPropertyName() != null) {
                    path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
                } else {
                    path.append('[').append(step.getIndex()).append(']');
                }
            }
            return path + ": " + text;
        }
        return e instanceof MismatchedInputException || e.getLocation() == null
                ? text
                : text + " (line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr() + ")";
    }
}
