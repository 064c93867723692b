package dev.sennit;

import java.io.Serializable;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** Implements {@link TaskContext#scopedValue}. */
record ScopedValueContext<V>(Constant<ScopedValue<V>> constant) implements TaskContext<V>, Serializable {
    private static final long serialVersionUID = 1L;

    @Override
    public @Nullable V capture() {
        ScopedValue<V> value = constant.get();
        return value.isBound() ? value.get() : null;
    }

    @Override
    public <T extends @Nullable Object> T around(V captured, Callable<T> body) throws Exception {
        return ScopedValue.where(constant.get(), captured).call(body::call);
    }
}
