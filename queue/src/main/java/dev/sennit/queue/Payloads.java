package dev.sennit.queue;

import dev.sennit.queue.broker.QueuedTask;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.cfg.MapperConfig;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.introspect.AnnotatedMember;
import tools.jackson.databind.introspect.AnnotatedParameter;
import tools.jackson.databind.introspect.JacksonAnnotationIntrospector;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Arguments, results and checkpoints as JSON: fields that a class does not know are passed over, so that old workers
 * read what new submitters send; fields that are missing are an error, so that nothing is quietly null or 0, but for
 * those that are {@link Optional} or {@code @Nullable}. Types are those of the task type alone: nothing in JSON names a
 * class.
 */
final class Payloads {
    private static final Logger LOG = System.getLogger(Payloads.class.getName());
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .annotationIntrospector(new Needed())
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    /** Numbers keep their digits. */
    private static final ObjectReader TREES = MAPPER.reader().with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
    /** What Jackson says of a missing property. */
    private static final Pattern MISSING = Pattern.compile("Missing (?:required )?creator property '([^']+)'.*");

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
     * Reads the argument of a call in another language. What {@code {"args": [...], "kwargs": {...}}} says is not
     * passed over: a class without such fields refuses it.
     *
     * @param how the header {@link QueuedTask#ARGUMENT} of the task, or null
     */
    static @Nullable Object readCall(String what, byte[] json, Type type, @Nullable String how) {
        if (type instanceof Class<?> plain && plain.isRecord()) {
            return readRecord(what, json, plain, how);
        }
        if (type instanceof ParameterizedType generic && generic.getRawType() instanceof Class<?> raw
                && raw.isRecord()) {
            return readRecord(what, json, type, how);
        }
        if (Arguments.MIXED.equals(how)) {
            try {
                return MAPPER.readerFor(MAPPER.constructType(type))
                        .with(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).readValue(json);
            } catch (UnrecognizedPropertyException e) {
                if (e.getPath().size() == 1
                        && (e.getPropertyName().equals("args") || e.getPropertyName().equals("kwargs"))) {
                    throw new TaskDataException(what + " has positional and named arguments, which "
                            + type.getTypeName() + " cannot take: name all of them, or make it a record", e);
                }
            } catch (JacksonException e) {
                LOG.log(Level.DEBUG, "told below, if it is one without this, too", e);
            }
        }
        return read(what, json, type);
    }

    /**
     * Reads a record as Python binds arguments: positional ones by the order of the components, also if there is one
     * only, others by name. What is missing has the value that a shorter constructor gives it.
     */
    private static @Nullable Object readRecord(String what, byte[] json, Type type, @Nullable String how) {
        try {
            JsonNode call = TREES.readTree(json);
            if (Arguments.MIXED.equals(how)) {
                return bound(what, call.path("args"), call.path("kwargs"), type);
            }
            if (Arguments.POSITIONAL.equals(how)) {
                return bound(what, call, MAPPER.createObjectNode(), type);
            }
            if (call.isNull()) {
                return bound(what, MAPPER.createArrayNode(), MAPPER.createObjectNode(), type);
            }
            if (call.isObject() && (!Arguments.SINGLE.equals(how) || Arrays.stream(components(type))
                    .anyMatch(each -> call.has(each.getName())))) {
                return bound(what, MAPPER.createArrayNode(), call, type);
            }
            try {
                return bound(what, MAPPER.createArrayNode().add(call), MAPPER.createObjectNode(), type);
            } catch (JacksonException | TaskDataException e) { // a record may know by itself how it is written
                try {
                    return MAPPER.readValue(json, MAPPER.constructType(type));
                } catch (JacksonException _) {
                    throw e;
                }
            }
        } catch (JacksonException e) {
            throw new TaskDataException(what + " cannot be read as " + type.getTypeName() + ": " + text(e), e);
        }
    }

    private static RecordComponent[] components(Type type) {
        return ((Class<?>) (type instanceof ParameterizedType generic ? generic.getRawType() : type))
                .getRecordComponents();
    }

    private static @Nullable Object bound(String what, JsonNode list, JsonNode names, Type type) {
        RecordComponent[] components = components(type);
        ObjectNode named = names instanceof ObjectNode object ? object.deepCopy() : MAPPER.createObjectNode();
        if (!list.isArray() || list.size() > components.length) {
            throw new TaskDataException(what + " has " + list.size() + " arguments, but "
                    + MAPPER.constructType(type).getRawClass().getSimpleName() + " has " + components.length
                    + " components", null);
        }
        for (int i = 0; i < list.size(); i++) {
            if (named.putIfAbsent(components[i].getName(), list.get(i)) != null) {
                throw new TaskDataException(what + " has " + components[i].getName() + " twice", null);
            }
        }
        addDefaults(what, named, components);
        return MAPPER.treeToValue(named, MAPPER.constructType(type));
    }

    /** Adds what is missing, as the longest shorter constructor has it whose arguments are there. */
    private static void addDefaults(String what, ObjectNode named, RecordComponent[] components) {
        int given = 0;
        while (given < components.length && named.has(components[given].getName())) {
            given++;
        }
        if (given == components.length) {
            return;
        }
        Class<?> type = components[0].getDeclaringRecord();
        for (int count = given; count >= 0; count--) {
            Constructor<?> constructor = shorter(type, components, count);
            if (constructor == null) {
                continue;
            }
            @Nullable Object[] values = new Object[count];
            for (int i = 0; i < count; i++) {
                try {
                    values[i] = MAPPER.treeToValue(named.get(components[i].getName()),
                            MAPPER.constructType(components[i].getGenericType()));
                } catch (DatabindException e) {
                    throw e.prependPath(type, components[i].getName());
                }
            }
            try {
                ObjectNode defaults = MAPPER.valueToTree(constructor.newInstance(values));
                defaults.properties().forEach(each -> named.putIfAbsent(each.getKey(), each.getValue()));
            } catch (ReflectiveOperationException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                throw new TaskDataException(what + " cannot be read as " + type.getTypeName() + ": " + cause, e);
            }
            return;
        }
    }

    private static @Nullable Constructor<?> shorter(Class<?> type, RecordComponent[] components, int count) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(
                    Arrays.stream(components, 0, count).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return constructor;
        } catch (NoSuchMethodException | InaccessibleObjectException _) {
            return null;
        }
    }

    /** Has each parameter of a constructor be needed, but for those that may be null or are {@link Optional}. */
    private static final class Needed extends JacksonAnnotationIntrospector {
        private static final long serialVersionUID = 1;

        @Override
        public @Nullable Boolean hasRequiredMarker(MapperConfig<?> config, AnnotatedMember member) {
            if (!(member instanceof AnnotatedParameter parameter)
                    || !(parameter.getOwner().getAnnotated() instanceof Executable owner)) {
                return super.hasRequiredMarker(config, member);
            }
            Class<?> type = parameter.getRawType();
            return type != Optional.class && type != OptionalInt.class && type != OptionalLong.class
                    && type != OptionalDouble.class
                    && Arrays.stream(owner.getAnnotatedParameterTypes()[parameter.getIndex()].getAnnotations())
                            .noneMatch(each -> each.annotationType().getSimpleName().equals("Nullable"));
        }
    }

    /** Returns what is wrong and where, in one line, without the JSON itself. */
    private static String text(JacksonException e) {
        String text = e.getOriginalMessage().lines().findFirst().orElse("");
        var missing = MISSING.matcher(text);
        if (missing.matches()) {
            text = "is missing";
        }
        if (e instanceof DatabindException placed && !placed.getPath().isEmpty()) {
            var path = new StringBuilder();
            for (JacksonException.Reference step : placed.getPath()) {
                if (step.getPropertyName() != null) {
                    path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
                } else {
                    path.append('[').append(step.getIndex()).append(']');
                }
            }
            return path + (missing.matches() ? " " : ": ") + text;
        }
        if (missing.matches()) {
            return missing.group(1) + " " + text;
        }
        return e instanceof MismatchedInputException || e.getLocation() == null
                ? text
                : text + " (line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr() + ")";
    }
}
