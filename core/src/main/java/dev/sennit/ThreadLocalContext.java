package dev.sennit;

import java.io.Serializable;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** Implements {@link TaskContext#threadLocal}. */
record ThreadLocalContext<V>(Constant<ThreadLocal<V>> constant) implements TaskContext<V>, Serializable {
    private static final long serialVersionUID = 1L;

    @Override
    public @Nullable V capture() {
        return constant.get().get();
    }

    @Override
    public <T extends @Nullable Object> T around(V captured, Callable<T> body) throws Exception {
        ThreadLocal<V> local = constant.get();
        V before = local.get();
        local.set(captured);
        try {
            return body.call();
        } finally {
            if (before == null) {
                local.remove();
            } else {
                local.set(before);
            }
        }
    }
}
