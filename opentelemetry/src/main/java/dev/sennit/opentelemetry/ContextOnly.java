package dev.sennit.opentelemetry;

import dev.sennit.TaskContext;
import io.opentelemetry.context.Context;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** Carries the current context; also what is there of {@link TaskSpans} in a worker process. */
enum ContextOnly implements TaskContext<Carried> {
    INSTANCE;

    @Override
    public @Nullable Carried capture() {
        Context here = Context.current();
        return here == Context.root() ? null : new Carried.Here(here);
    }

    @Override
    public <T extends @Nullable Object> T around(Carried captured, Callable<T> body) throws Exception {
        try (var _ = captured.context().makeCurrent()) {
            return body.call();
        }
    }
}
