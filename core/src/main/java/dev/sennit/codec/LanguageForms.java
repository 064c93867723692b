package dev.sennit.codec;

import dev.sennit.codec.ValueForms.Form;
import java.io.InvalidObjectException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Forms of common values of Kotlin and Scala, if their libraries are on the class path; nothing here depends on them.
 *
 * <p>Some values are not serializable, such as Kotlin's ranges. Others are, but in a form that must not be trusted:
 * Scala's contains a factory that can make anything, and both announce sizes that are believed. Such values travel as
 * their parts, and are made by the public constructors and builders of the reader's library. Simple values that Java
 * serialization reads safely are {@link #isPlain}.
 */
final class LanguageForms {
    /** How values are taken apart and made, by the name of their class. */
    private static final Map<String, Plan> PLANS = new LinkedHashMap<>();

    /** The classes whose objects consist of their fields alone. */
    private static final Pattern PLAIN =
            Pattern.compile("kotlin\\.(Pair|Triple|Result|Result\\$Failure|InitializedLazyImpl"
                    + "|collections\\.Empty(List|Set|Map)|text\\.Regex(\\$Serialized)?|uuid\\.Uuid(Serialized)?"
                    + "|time\\.Instant(Serialized)?)"
                    + "|scala\\.(Option|Some|None\\$|Tuple\\d+(\\$mc\\w+\\$sp)?|Symbol|util\\.(Either|Left|Right|Try|"
                    + "Success|Failure)"
                    + "|math\\.(BigInt|BigDecimal|ScalaNumber)|runtime\\.(BoxedUnit|ModuleSerializationProxy)"
                    + "|concurrent\\.duration\\.(Duration|FiniteDuration)|collection\\.immutable\\.(ArraySeq(\\$of\\w+)"
                    + "?|Set\\$EmptySet\\$|Map\\$EmptyMap\\$))");

    private static final String KOTLIN = "kotlin.";
    private static final String SCALA = "scala.";

    /** How the values of one class are taken apart and made. */
    private sealed interface Plan {}

    /** The only object of its class. */
    private record Single(String field) implements Plan {}

    /** Values made by a constructor, from what getters return in the same order. */
    private record Constructed(List<String> getters) implements Plan {}

    /** Values made by a static method from one value that another method returns. */
    private record Boxed(String box, String unbox) implements Plan {}

    /** Values made by a method of a companion, from what getters return. */
    private record Factory(String companion, String method, List<String> getters) implements Plan {}

    /** A collection of Scala, made by a builder of its companion. */
    private record Built(String companion, Kind kind) implements Plan {}

    private enum Kind {
        SEQUENCE,
        SET,
        MAP
    }

    /** An immutable collection of Kotlin. */
    private record Frozen() implements Plan {}

    /** What such a class writes in the place of its objects; one field has the object. */
    private record Proxy(String field) implements Plan {}

    static {
        PLANS.put("kotlin.Unit", new Single("INSTANCE"));
        for (String number : List.of("UByte", "UShort", "UInt", "ULong", "UByteArray", "UShortArray", "UIntArray",
                "ULongArray", "time.Duration")) {
            PLANS.put(KOTLIN + number, new Boxed("box-impl", "unbox-impl"));
        }
        for (String type : List.of("Int", "Long", "Char")) {
            PLANS.put(KOTLIN + "ranges." + type + "Range", new Constructed(List.of("getFirst", "getLast")));
            PLANS.put(KOTLIN + "ranges." + type + "Progression",
                    new Constructed(List.of("getFirst", "getLast", "getStep")));
        }
        PLANS.put("kotlin.collections.IndexedValue", new Constructed(List.of("getIndex", "getValue")));
        for (String type : List.of("List", "Set", "Map")) {
            PLANS.put(KOTLIN + "collections.builders." + type + "Builder", new Frozen());
        }
        PLANS.put("kotlin.collections.builders.SerializedCollection", new Proxy("collection"));
        PLANS.put("kotlin.collections.builders.SerializedMap", new Proxy("map"));

        PLANS.put("scala.collection.immutable.Range$Inclusive", range("inclusive"));
        PLANS.put("scala.collection.immutable.Range$Exclusive", range("apply"));
        built("immutable.List", Kind.SEQUENCE, "immutable.$colon$colon", "immutable.Nil$");
        built("immutable.Vector", Kind.SEQUENCE, "immutable.Vector0$");
        for (int i = 1; i <= 6; i++) {
            built("immutable.Vector", Kind.SEQUENCE, "immutable.Vector" + i);
        }
        built("immutable.Queue", Kind.SEQUENCE, "immutable.Queue");
        built("mutable.ArrayBuffer", Kind.SEQUENCE, "mutable.ArrayBuffer");
        built("mutable.ListBuffer", Kind.SEQUENCE, "mutable.ListBuffer");
        built("immutable.Set", Kind.SET, "immutable.HashSet", "immutable.Set$EmptySet$");
        built("immutable.Map", Kind.MAP, "immutable.HashMap", "immutable.Map$EmptyMap$");
        for (int i = 1; i <= 4; i++) {
            built("immutable.Set", Kind.SET, "immutable.Set$Set" + i);
            built("immutable.Map", Kind.MAP, "immutable.Map$Map" + i);
        }
        built("immutable.VectorMap", Kind.MAP, "immutable.VectorMap");
        for (String mutable : List.of("HashSet", "LinkedHashSet")) {
            built("mutable." + mutable, Kind.SET, "mutable." + mutable);
        }
        for (String mutable : List.of("HashMap", "LinkedHashMap")) {
            built("mutable." + mutable, Kind.MAP, "mutable." + mutable);
        }
        PLANS.put("scala.collection.generic.DefaultSerializationProxy", new Proxy("coll"));
    }

    private static Factory range(String method) {
        return new Factory("scala.collection.immutable.Range$", method, List.of("start", "end", "step"));
    }

    private static void built(String companion, Kind kind, String... types) {
        for (String type : types) {
            PLANS.put("scala.collection." + type, new Built("scala.collection." + companion + "$", kind));
        }
    }

    private LanguageForms() {}

    /** Returns whether a class's values may be read by Java serialization. */
    static boolean isPlain(Class<?> type) {
        String name = type.getName();
        return (name.startsWith(KOTLIN) || name.startsWith(SCALA)) && PLAIN.matcher(name).matches();
    }

    /** Returns how the values of a class travel; null if they travel as they are. */
    static @Nullable Form find(Class<?> type) {
        Plan plan = PLANS.get(type.getName());
        if (plan == null) {
            return null;
        }
        try {
            return switch (plan) {
                case Single single -> single(type, single);
                case Constructed constructed -> constructed(type, constructed);
                case Boxed boxed -> boxed(type, boxed);
                case Factory factory -> factory(type, factory);
                case Built built -> built(type, built);
                case Frozen frozen -> LanguageForms::frozen;
                case Proxy proxy -> proxy(type, proxy);
            };
        } catch (ReflectiveOperationException | RuntimeException e) { // another version: it travels as it is, or not
            return null;
        }
    }

    // ---- taking apart and making ----

    /** Makes a value from its parts. */
    private interface Maker {
        Object make(@Nullable Object[] parts) throws Throwable;
    }

    private interface Taker {
        @Nullable Object[] take(Object value) throws Throwable;
    }

    /** Takes apart and makes the values of one class whose library is loaded. */
    private record Linked(Class<?> type, Taker taker, Maker maker) implements Form {
        @Override
        public Object of(Object value) {
            try {
                return new Parts(type.getName(), taker.take(value));
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static Form single(Class<?> type, Single plan) throws ReflectiveOperationException {
        Object only = type.getField(plan.field).get(null);
        return new Linked(type, value -> new Object[0], parts -> only);
    }

    private static Form constructed(Class<?> type, Constructed plan) throws ReflectiveOperationException {
        MethodHandle[] getters = getters(type, plan.getters);
        MethodHandle constructor =
                MethodHandles.publicLookup().findConstructor(type, MethodType.methodType(void.class, types(getters)));
        return made(type, getters, constructor);
    }

    private static Form boxed(Class<?> type, Boxed plan) throws ReflectiveOperationException {
        MethodHandle[] unbox = getters(type, List.of(plan.unbox));
        MethodHandle box =
                MethodHandles.publicLookup().findStatic(type, plan.box, MethodType.methodType(type, types(unbox)));
        return made(type, unbox, box);
    }

    private static Form factory(Class<?> type, Factory plan) throws ReflectiveOperationException {
        MethodHandle[] getters = getters(type, plan.getters);
        Object companion = companion(type, plan.companion);
        MethodHandle factory = MethodHandles.publicLookup()
                .findVirtual(companion.getClass(), plan.method, MethodType.methodType(type, types(getters)))
                .bindTo(companion);
        return made(type, getters, factory);
    }

    private static Object companion(Class<?> type, String name) throws ReflectiveOperationException {
        return Class.forName(name, true, type.getClassLoader()).getField("MODULE$").get(null);
    }

    private static MethodHandle[] getters(Class<?> type, List<String> names) throws ReflectiveOperationException {
        MethodHandle[] getters = new MethodHandle[names.size()];
        for (int i = 0; i < getters.length; i++) {
            Class<?> result = void.class;
            for (Method method : type.getMethods()) {
                if (method.getName().equals(names.get(i)) && method.getParameterCount() == 0 && !method.isBridge()) {
                    result = method.getReturnType();
                }
            }
            getters[i] = MethodHandles.publicLookup().findVirtual(type, names.get(i), MethodType.methodType(result));
        }
        return getters;
    }

    private static Class<?>[] types(MethodHandle[] getters) {
        Class<?>[] types = new Class<?>[getters.length];
        for (int i = 0; i < types.length; i++) {
            types[i] = getters[i].type().returnType();
        }
        return types;
    }

    private static Form made(Class<?> type, MethodHandle[] getters, MethodHandle maker) {
        MethodHandle[] generic = new MethodHandle[getters.length];
        for (int i = 0; i < generic.length; i++) {
            generic[i] = getters[i].asType(MethodType.methodType(Object.class, Object.class));
        }
        MethodHandle spread = maker.asSpreader(Object[].class, getters.length)
                .asType(MethodType.methodType(Object.class, Object[].class));
        return new Linked(
                type,
                value -> {
                    @Nullable Object[] parts = new @Nullable Object[generic.length];
                    for (int i = 0; i < parts.length; i++) {
                        parts[i] = (Object) generic[i].invokeExact(value);
                    }
                    return parts;
                },
                parts -> (Object) spread.invokeExact(parts));
    }

    /** The part of a Scala set or map is a Java set or map: so the reader's limits on hashing apply. */
    private static Form built(Class<?> type, Built plan) throws ReflectiveOperationException {
        ClassLoader loader = type.getClassLoader();
        MethodHandles.Lookup lookup = MethodHandles.publicLookup();
        Class<?> iteratorType = Class.forName(SCALA + "collection.Iterator", false, loader);
        Class<?> builderType = Class.forName(SCALA + "collection.mutable.Builder", false, loader);
        Class<?> growableType = Class.forName(SCALA + "collection.mutable.Growable", false, loader);
        Class<?> pairType = Class.forName(SCALA + "Tuple2", false, loader);
        MethodType toObject = MethodType.methodType(Object.class, Object.class);
        MethodHandle iterator = lookup.findVirtual(
                Class.forName(SCALA + "collection.IterableOnce", false, loader), "iterator",
                MethodType.methodType(iteratorType))
                .asType(toObject);
        MethodHandle hasNext = lookup.findVirtual(iteratorType, "hasNext", MethodType.methodType(boolean.class))
                .asType(MethodType.methodType(boolean.class, Object.class));
        MethodHandle next =
                lookup.findVirtual(iteratorType, "next", MethodType.methodType(Object.class)).asType(toObject);
        MethodHandle first = lookup.findVirtual(pairType, "_1", MethodType.methodType(Object.class)).asType(toObject);
        MethodHandle second = lookup.findVirtual(pairType, "_2", MethodType.methodType(Object.class)).asType(toObject);
        MethodHandle pair =
                lookup.findConstructor(pairType, MethodType.methodType(void.class, Object.class, Object.class))
                        .asType(MethodType.methodType(Object.class, Object.class, Object.class));
        Object companion = companion(type, plan.companion);
        MethodHandle newBuilder =
                lookup.findVirtual(companion.getClass(), "newBuilder", MethodType.methodType(builderType))
                        .bindTo(companion)
                        .asType(MethodType.methodType(Object.class));
        MethodHandle add = lookup.findVirtual(growableType, "addOne", MethodType.methodType(growableType, Object.class))
                .asType(MethodType.methodType(void.class, Object.class, Object.class));
        MethodHandle result =
                lookup.findVirtual(builderType, "result", MethodType.methodType(Object.class)).asType(toObject);
        Taker taker = value -> {
            Object elements = (Object) iterator.invokeExact(value);
            List<@Nullable Object> list = new ArrayList<>();
            Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
            while ((boolean) hasNext.invokeExact(elements)) {
                Object element = (Object) next.invokeExact(elements);
                if (plan.kind == Kind.MAP) {
                    map.put((Object) first.invokeExact(element), (Object) second.invokeExact(element));
                } else {
                    list.add(element);
                }
            }
            return switch (plan.kind) {
                case SEQUENCE -> list.toArray();
                case SET -> new Object[] {new LinkedHashSet<>(list)};
                case MAP -> new Object[] {map};
            };
        };
        Maker maker = parts -> {
            Object builder = (Object) newBuilder.invokeExact();
            if (plan.kind == Kind.MAP) {
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) only(parts)).entrySet()) {
                    Object both = (Object) pair.invokeExact((Object) entry.getKey(), (Object) entry.getValue());
                    add.invokeExact(builder, both);
                }
            } else {
                for (Object element : plan.kind == Kind.SET ? ((Set<?>) only(parts)).toArray() : parts) {
                    add.invokeExact(builder, element);
                }
            }
            return (Object) result.invokeExact(builder);
        };
        return new Linked(type, taker, maker);
    }

    private static Object only(@Nullable Object[] parts) {
        if (parts.length != 1 || parts[0] == null) {
            throw new IllegalArgumentException("parts are missing");
        }
        return parts[0];
    }

    private static Object frozen(Object value) {
        return switch (value) {
            case Map<?, ?> map -> Collections.unmodifiableMap(new LinkedHashMap<>(map));
            case Set<?> set -> Collections.unmodifiableSet(new LinkedHashSet<>(set));
            default -> new ValueForms.FixedList(((Collection<?>) value).toArray());
        };
    }

    private static Form proxy(Class<?> type, Proxy plan) throws ReflectiveOperationException {
        Field field = type.getDeclaredField(plan.field);
        field.setAccessible(true);
        return value -> {
            try {
                Object original = field.get(value);
                Form form = original == null ? null : ValueForms.of(original.getClass());
                return form == null || original == null ? value : form.of(original);
            } catch (IllegalAccessException e) {
                return value;
            }
        };
    }

    /**
     * A value, taken apart.
     *
     * @param type the name of its class, which must be in PLANS
     */
    @SuppressWarnings("ArrayRecordComponent") // made once, never compared
    private record Parts(String type, @Nullable Object[] parts) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() throws InvalidObjectException {
            Form form;
            try {
                form = PLANS.containsKey(type)
                        ? ValueForms.of(Class.forName(type, false, Reading.currentLoader()))
                        : null;
            } catch (ClassNotFoundException e) {
                throw invalid("class " + type + " is not on the class path here", e);
            }
            if (!(form instanceof Linked linked)) {
                throw new InvalidObjectException("no value of class " + type + " is made of parts");
            }
            try {
                return AllowList.made(linked.maker.make(parts));
            } catch (Error e) {
                throw e;
            } catch (Throwable e) {
                throw invalid("a value of class " + type + " that cannot be: " + e, e);
            }
        }

        private static InvalidObjectException invalid(String message, Throwable cause) {
            var invalid = new InvalidObjectException(message);
            invalid.initCause(cause);
            return invalid;
        }
    }
}
