package dev.sennit;

import dev.sennit.internal.ScopedValueBindings;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * The context of tasks that inherit all scoped values of their submitter: those of a {@link TaskScope}, and coroutines.
 */
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
