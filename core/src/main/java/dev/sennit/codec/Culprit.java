package dev.sennit.codec;

import dev.sennit.codec.ValueForms.NoFormException;
import dev.sennit.internal.Throwables;
import java.io.NotSerializableException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The part of a value that could not travel, in the program's own terms: its class, the field that holds it, and what
 * to do instead.
 *
 * @param className the class that a stream refused
 * @param remedy what to send instead; null if it is only known that the class is not serializable
 */
record Culprit(String className, @Nullable String remedy) {
    private static final int DEEPEST = 8;
    private static final int MOST_ASKED = 200;

    /** Returns the culprit of a failure; null if the failure has another reason. */
    static @Nullable Culprit of(Throwable failure) {
        return failure instanceof NotSerializableException e
                ? new Culprit(String.valueOf(Throwables.message(e)),
                        e instanceof NoFormException none ? none.remedy() : null)
                : null;
    }

    /** Returns a class with its article; a lambda by the class that made it, as its own name is generated. */
    static String named(String className) {
        int lambda = className.indexOf("$$Lambda");
        if (lambda >= 0) {
            return "a lambda made in " + className.substring(0, lambda);
        }
        return (className.isEmpty() || "aeiouAEIOU".indexOf(className.charAt(0)) < 0 ? "a " : "an ") + className;
    }

    boolean is(Class<?> type) {
        return className.equals(type.getName());
    }

    String named() {
        return named(className);
    }

    /** Returns a clause that says what is wrong with it. */
    String fault() {
        return remedy == null ? "is not Serializable" : "cannot travel";
    }

    /** Returns what to do, for a value that is sent or returned. */
    String advice() {
        if (remedy != null) {
            return remedy;
        }
        if (className.contains("$$Lambda")) {
            return "declare it as a type that is, such as TaskFunction";
        }
        return className.startsWith("java.")
                ? "send what is in it as values"
                : "let it implement Serializable, or send what is in it as values";
    }

    /**
     * Returns the field of an object that holds the culprit.
     *
     * @param canTravel whether a part of the object can travel
     * @return the field, as {@code " in field lock of app.Report"}; nothing if it cannot be found
     */
    static String fieldIn(Object object, Predicate<Object> canTravel) {
        try {
            Field found = new Search(canTravel).in(object, 0);
            return found == null ? "" : " in field " + found.getName() + " of " + found.getDeclaringClass().getName();
        } catch (Throwable e) { // from an object's own methods; the message does without the field
            return "";
        }
    }

    /** Searches part by part. */
    private static final class Search {
        private final Predicate<Object> canTravel;
        private int asked;

        Search(Predicate<Object> canTravel) {
            this.canTravel = canTravel;
        }

        @Nullable Field in(Object object, int depth) {
            if (depth > DEEPEST) {
                return null;
            }
            Stream<?> elements =
                    switch (object) {
                        case Object[] array -> Arrays.stream(array);
                        case Collection<?> collection -> collection.stream();
                        case Map<?, ?> map ->
                            map.entrySet().stream().flatMap(entry -> Stream.of(entry.getKey(), entry.getValue()));
                        default -> null;
                    };
            if (elements != null) {
                Object bad = elements.filter(Objects::nonNull).filter(this::isBad).findFirst().orElse(null);
                return bad == null ? null : in(bad, depth + 1);
            }
            for (Class<?> type = object.getClass(); type != null && !AllowList.isJdk(type);
                    type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    Object part = part(object, field);
                    if (part != null && isBad(part)) {
                        Field deeper = in(part, depth + 1);
                        return deeper != null || isWrapping(type) ? deeper : field;
                    }
                }
            }
            return null;
        }

        /** Returns whether a class is a wrapper of this library, which the program does not know. */
        private static boolean isWrapping(Class<?> type) {
            return AllowList.isOurs(type) && (type.isRecord() || Callable.class.isAssignableFrom(type));
        }

        private static @Nullable Object part(Object object, Field field) {
            int modifiers = field.getModifiers();
            if (Modifier.isStatic(modifiers) || Modifier.isTransient(modifiers) || field.getType().isPrimitive()
                    || !field.trySetAccessible()) {
                return null;
            }
            try {
                return field.get(object);
            } catch (IllegalAccessException e) {
                return null;
            }
        }

        private boolean isBad(Object part) {
            return ++asked <= MOST_ASKED && !canTravel.test(part);
        }
    }
}
