package dev.sennit;

import dev.sennit.internal.Waits;
import java.io.Serializable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * A call of a method of an object, as a task. Its serialized form has the object, the name of the method and the
 * arguments; a worker process looks the method up again.
 */
final class AsynchronousCall implements Task<@Nullable Object>, Wrapping {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // where tasks leave this JVM, an object that is not serializable is refused
    private final Object object;

    private final String name;
    private final Class<?>[] types;

    @SuppressWarnings("serial") // as the object
    private final @Nullable Object[] arguments;

    /** Null in a copy. */
    private final transient @Nullable Method method;

    AsynchronousCall(Object object, Method method, @Nullable Object[] arguments) {
        this.object = object;
        this.name = method.getName();
        this.types = method.getParameterTypes();
        this.arguments = arguments;
        this.method = method;
    }

    @Override
    public Object wrapped() {
        return object;
    }

    @Override
    public @Nullable Object call() throws Exception {
        Object result;
        try {
            result = found().invoke(object, arguments);
        } catch (InvocationTargetException e) {
            throw thrownBy(e);
        }
        Future<?> pending = result instanceof CompletionStage<?> stage
                ? stage.toCompletableFuture()
                : result instanceof Future<?> future ? future : null;
        if (pending == null) {
            return result;
        }
        try {
            try (var _ = Waits.outOfTurn()) {
                return pending.get();
            }
        } catch (ExecutionException e) {
            throw thrownBy(e);
        }
    }

    private Method found() throws NoSuchMethodException {
        Method known = method != null ? method : find(object, name, types);
        if (known == null) {
            throw new NoSuchMethodException(object.getClass().getName() + "." + name);
        }
        return known;
    }

    /** Finds an object's public method, as declared by an accessible type: its class, or an interface of its class. */
    static @Nullable Method find(Object object, String name, Class<?>[] types) {
        for (Class<?> type = object.getClass(); type != null; type = type.getSuperclass()) {
            Method declared = findIn(type, object, name, types);
            if (declared != null) {
                return declared;
            }
        }
        return null;
    }

    private static @Nullable Method findIn(Class<?> type, Object object, String name, Class<?>[] types) {
        try {
            Method method = type.getMethod(name, types);
            if (!Modifier.isStatic(method.getModifiers()) && (method.canAccess(object) || method.trySetAccessible())) {
                return method;
            }
        } catch (NoSuchMethodException e) {
            return null;
        }
        for (Class<?> above : type.getInterfaces()) {
            Method declared = findIn(above, object, name, types);
            if (declared != null) {
                return declared;
            }
        }
        return null;
    }

    private static Exception thrownBy(Exception wrapper) {
        Throwable cause = Objects.requireNonNullElse(wrapper.getCause(), wrapper);
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof Exception exception ? exception : wrapper;
    }

    /** Returns whether an object may be sent to another process. */
    static boolean mayTravel(Object object) {
        return object instanceof Serializable;
    }
}
