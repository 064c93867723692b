package dev.sennit;

import dev.sennit.internal.ScopedValueBindings;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** The context of a task that has all scoped values of its submitter: one forked by a {@link TaskScope}, and a coroutine. */
final class InheritedScopedValues implements TaskContext<ScopedValue.Carrier> {
    static final InheritedScopedValues CONTEXT = new InheritedScopedValues();

    private InheritedScopedValues() {}

    @Override
    public ScopedValue.@Nullable Carrier capture() {
        return ScopedValueBindings.ofThisThread();
    }

    @Override
    public <T extends @Nullable Object> T around(ScopedValue.Carrier captured, Callable<T> body) throws Exception {
        return captured.call(body::call);
    }
}
