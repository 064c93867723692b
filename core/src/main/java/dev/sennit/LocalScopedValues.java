package dev.sennit;

import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** Implements {@link TaskContext#of}. */
record LocalScopedValues(List<ScopedValue<?>> values) implements TaskContext<ScopedValue.Carrier> {
    LocalScopedValues(ScopedValue<?>... values) {
        this(List.of(values));
    }

    @Override
    public ScopedValue.@Nullable Carrier capture() {
        ScopedValue.Carrier bindings = null;
        for (ScopedValue<?> value : values) {
            if (value.isBound()) {
                bindings = with(bindings, value);
            }
        }
        return bindings;
    }

    private static <V> ScopedValue.Carrier with(ScopedValue.@Nullable Carrier before, ScopedValue<V> value) {
        return before == null ? ScopedValue.where(value, value.get()) : before.where(value, value.get());
    }

    @Override
    public <T extends @Nullable Object> T around(ScopedValue.Carrier captured, Callable<T> body) throws Exception {
        return captured.call(body::call);
    }
}
