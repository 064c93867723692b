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
 * Reads the scoped values that a thread has bound, so that a task can inherit them.
 *
 * <p>The JDK shows these only to its own {@code StructuredTaskScope}. This class reads the same chain, and writes
 * nothing. It needs {@code --add-opens java.base/java.lang}, as {@link OwnScheduler} does, and tries itself once with
 * bindings of its own. Without the option, or on a JDK with other members, it reads nothing. A task gets the values
 * through the public {@link ScopedValue#where}.
 *
 * <p>Source: {@code java.lang.ScopedValue} of JDK 25. A {@code Snapshot} holds the {@code Carrier} of a {@code call} or
 * {@code run}, and refers to the enclosing snapshot. A carrier is a binding, and refers to the binding before it. The
 * first binding of a key counts.
 */
public final class ScopedValueBindings {
    /**
     * Scoped values that describe the calls of a thread: a task that inherited them would seem to be a part of these
     * calls.
     */
    private static final Set<ScopedValue<?>> NOT_INHERITED = ConcurrentHashMap.newKeySet();

    private ScopedValueBindings() {}

    /**
     * Creates a scoped value that no task inherits.
     *
     * @param <T> the type of the value
     * @return a new scoped value
     */
    public static <T> ScopedValue<T> notInherited() {
        ScopedValue<T> value = ScopedValue.newInstance();
        NOT_INHERITED.add(value);
        return value;
    }

    /**
     * Returns the bindings of the calling thread.
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

    /** Handles for the chain. All take and return {@code Object}, as the class of snapshots is not accessible here. */
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

        /** Tries the handles with nested bindings. */
        private boolean works() {
            ScopedValue<String> outer = ScopedValue.newInstance();
            ScopedValue<String> both = ScopedValue.newInstance();
            ScopedValue<String> inner = ScopedValue.newInstance();
            return ScopedValue.where(outer, "outer").where(both, "hidden")
                    .call(() -> ScopedValue.where(inner, "inner").where(both, "seen").call(() -> {
                        ScopedValue.Carrier all = read();
                        return all != null && all.get(outer).equals("outer") && all.get(both).equals("seen")
                                && all.get(inner).equals("inner");
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
                List<ScopedValue<?>> found = new ArrayList<>(); // few, so a linear search is quick
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
