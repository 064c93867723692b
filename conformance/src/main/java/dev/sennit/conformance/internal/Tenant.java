package dev.sennit.conformance.internal;

import dev.sennit.TaskContext;
import java.io.Serializable;
import java.util.concurrent.Callable;

/**
 * A context for tests: nothing in threads that did not set {@link #CURRENT}, so that other tests of this JVM do not
 * meet it.
 */
public record Tenant() implements TaskContext<Object>, Serializable {
    private static final long serialVersionUID = 1L;
    public static final ThreadLocal<Object> CURRENT = new ThreadLocal<>();
    /** Captured as this, it cannot be captured. */
    public static final String NOT_CAPTURED = "cannot be captured";
    /** Captured as this, it cannot be restored. */
    public static final String NOT_RESTORED = "cannot be restored";

    public static String current() {
        return String.valueOf(CURRENT.get());
    }

    @Override
    public Object capture() {
        if (NOT_CAPTURED.equals(CURRENT.get())) {
            throw new IllegalStateException(NOT_CAPTURED);
        }
        return CURRENT.get();
    }

    @Override
    public <T> T around(Object captured, Callable<T> body) throws Exception {
        if (NOT_RESTORED.equals(captured)) {
            throw new IllegalStateException(NOT_RESTORED);
        }
        Object before = CURRENT.get();
        CURRENT.set(captured);
        try {
            return body.call();
        } finally {
            CURRENT.set(before);
        }
    }

    /** Runs a step as a tenant. */
    public static void as(Object tenant, Step step) throws Exception {
        CURRENT.set(tenant);
        try {
            step.run();
        } finally {
            CURRENT.remove();
        }
    }

    public interface Step {
        void run() throws Exception;
    }
}
