package dev.sennit.internal;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads which scoped values a thread has bound, so that a task can have them too.
 *
 * <p>The JDK tells that to its own {@code StructuredTaskScope} alone. This class reads the same chain, and writes nothing: it
 * needs {@code --add-opens java.base/java.lang}, as {@link OwnScheduler} does, and is tried once with values that it bound itself.
 * Where the option is missing, or another JDK has it otherwise, nothing is read. A task gets the values through the public {@link
 * ScopedValue#where}.
 *
 * <p>Source: {@code java.lang.ScopedValue} of JDK 25. A {@code Snapshot} holds the {@code Carrier} of one {@code call} or {@code
 * run}, and leads to the snapshot around it; a carrier is one binding and leads to the one before it. The first of a key counts.
 */
public final class ScopedValueBindings {
    /** Values that belong to one thread's calls: a task that had them would take itself for a part of these calls. */
    private static final Set<ScopedValue<?>> NOT_INHERITED = ConcurrentHashMap.newKeySet();

    private ScopedValueBindings() {}

    /**
     * Makes a scoped value of the library's own, which no task inherits.
     *
     * @param <T> the type of the value
     * @return a new one
     */
    public static <T> ScopedValue<T> notInherited() {
        ScopedValue<T> value = ScopedValue.newInstance();
        NOT_INHERITED.add(value);
        return value;
    }

    /**
     * The bindings of the calling thread.
     *
     * @return the bindings that can be inherited; null if there are none, or they cannot be read
     */
    public static ScopedValue.@Nullable Carrier ofThisThread() {
        Chain chain = Found.CHAIN;
        return chain == null ? null : chain.read();
    }

    /** Initialized on first use. */
    private static final class Found {
        static final @Nullable Chain CHAIN = Chain.find();
    }

    /** Handles on the chain. All take and return {@code Object}, as the snapshot's class is not to be named here. */
    private record Chain(
            MethodHandle first,
            MethodHandle around,
            MethodHandle bindings,
            MethodHandle key,
            MethodHandle value,
            MethodHandle before) {

        static @Nullable Chain find() {
            try {
                MethodHandles.Lookup inside = MethodHandles.privateLookupIn(ScopedValue.class, MethodHandles.lookup());
                Class<?> snapshot = inside.findClass("java.lang.ScopedValue$Snapshot");
                Class<?> carrier = ScopedValue.Carrier.class;
                MethodHandles.Lookup inSnapshot = MethodHandles.privateLookupIn(snapshot, MethodHandles.lookup());
                MethodHandles.Lookup inCarrier = MethodHandles.privateLookupIn(carrier, MethodHandles.lookup());
                var found = new Chain(
                        inside.findStatic(ScopedValue.class, "scopedValueBindings", MethodType.methodType(snapshot))
                                .asType(MethodType.methodType(Object.class)),
                        getter(inSnapshot, snapshot, "prev", snapshot),
                        getter(inSnapshot, snapshot, "bindings", carrier),
                        getter(inCarrier, carrier, "key", ScopedValue.class),
                        getter(inCarrier, carrier, "value", Object.class),
                        getter(inCarrier, carrier, "prev", carrier));
                return found.works() ? found : null;
            } catch (ReflectiveOperationException | RuntimeException e) {
                return null;
            }
        }

        private static MethodHandle getter(MethodHandles.Lookup lookup, Class<?> owner, String name, Class<?> type)
                throws ReflectiveOperationException {
            return lookup.findGetter(owner, name, type).asType(MethodType.methodType(Object.class, Object.class));
        }

        /** Binds values around one another, and looks whether they are found. */
        private boolean works() {
            ScopedValue<String> outer = ScopedValue.newInstance();
            ScopedValue<String> both = ScopedValue.newInstance();
            ScopedValue<String> inner = ScopedValue.newInstance();
            return ScopedValue.where(outer, "outer").where(both, "hidden").call(() ->
                    ScopedValue.where(inner, "inner").where(both, "seen").call(() -> {
                        ScopedValue.Carrier all = read();
                        return all != null && all.get(outer).equals("outer") && all.get(both).equals("seen") && all.get(inner).equals("inner");
                    }));
        }

        /** Collects the innermost binding of each key. */
        ScopedValue.@Nullable Carrier read() {
            try {
                Object snapshot = (Object) first.invokeExact();
                Object carrier = (Object) bindings.invokeExact(snapshot);
                if (carrier == null) {
                    return null; // the snapshot of a thread without bindings
                }
                ScopedValue.Carrier all = null;
                List<ScopedValue<?>> found = new ArrayList<>(); // few: a search through them is quick
                for (; carrier != null; carrier = (Object) bindings.invokeExact(snapshot)) {
                    for (; carrier != null; carrier = (Object) before.invokeExact(carrier)) {
                        var one = (ScopedValue<?>) (Object) key.invokeExact(carrier);
                        if (!NOT_INHERITED.contains(one) && !found.contains(one)) {
                            found.add(one);
                            all = with(all, one, (Object) value.invokeExact(carrier));
                        }
                    }
                    snapshot = (Object) around.invokeExact(snapshot);
                }
                return all;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }

        @SuppressWarnings("unchecked") // the chain pairs a key with a value of its type
        private static ScopedValue.Carrier with(
                ScopedValue.@Nullable Carrier before, ScopedValue<?> key, @Nullable Object value) {
            var typed = (ScopedValue<@Nullable Object>) key;
            return before == null ? ScopedValue.where(typed, value) : before.where(typed, value);
        }
    }
}
