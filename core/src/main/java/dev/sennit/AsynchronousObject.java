package dev.sennit;

import java.io.NotSerializableException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The handler behind the proxies of {@link Pool#asynchronous}. All methods are resolved when the proxy is created. */
final class AsynchronousObject implements InvocationHandler {
    private static final Object[] NONE = {};

    /** Handles the calls of a method. */
    @FunctionalInterface
    private interface Handler {
        @Nullable Object call(Object proxy, @Nullable Object[] arguments) throws Throwable;
    }

    private final Pool pool;
    private final Class<?> type;
    private final Object object;
    private final Map<Method, Handler> handlers = new HashMap<>();

    private AsynchronousObject(Pool pool, Class<?> type, Object object) {
        this.pool = pool;
        this.type = type;
        this.object = object;
        for (Method method : type.getMethods()) {
            if (!Modifier.isStatic(method.getModifiers())) {
                handlers.put(method, handlerOf(method));
            }
        }
    }

    static <I> I of(Pool pool, Class<I> type, Object object) {
        Objects.requireNonNull(object, "object");
        if (!type.isInterface() || type.isSealed() || type.isHidden()) {
            throw new IllegalArgumentException(type.getName() + " must be an interface that anybody may implement");
        }
        if (pool instanceof AbstractPool known && known.copiesTasks() && !AsynchronousCall.mayTravel(object)) {
            throw new TaskSerializationException(
                    "object of " + object.getClass().getName()
                            + " cannot travel to a worker process: let it implement Serializable",
                    new NotSerializableException(object.getClass().getName()));
        }
        var handler = new AsynchronousObject(pool, type, object);
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    private Handler handlerOf(Method method) {
        if (isOfObject(method)) {
            return (proxy, arguments) -> callOfObject(proxy, method.getName(), arguments);
        }
        if (method.isDefault()) {
            return defaultOf(method);
        }
        Class<?> result = method.getReturnType();
        boolean forgets = result == void.class;
        if (!forgets
                && result != TaskFuture.class
                && result != CompletableFuture.class
                && result != CompletionStage.class
                && result != Future.class) {
            throw new IllegalArgumentException("method " + text(method) + " of " + type.getName() + " returns "
                    + result.getTypeName()
                    + "; it must return TaskFuture, CompletableFuture, CompletionStage, Future or void");
        }
        Method target = targetOf(method);
        var options = TaskOptions.named(type.getSimpleName() + "." + method.getName());
        if (forgets) {
            return (proxy, arguments) -> {
                pool.execute(new Forgotten(new AsynchronousCall(object, target, arguments)));
                return null;
            };
        }
        return (proxy, arguments) -> pool.submit(new AsynchronousCall(object, target, arguments), options);
    }

    /** A call of a void method, whose result is ignored. */
    private record Forgotten(AsynchronousCall call) implements Action, Wrapping {
        private static final long serialVersionUID = 1L;

        @Override
        public Object wrapped() {
            return call;
        }

        @Override
        public void perform() throws Exception {
            call.call();
        }
    }

    private Method targetOf(Method method) {
        Method found = AsynchronousCall.find(object, method.getName(), method.getParameterTypes());
        if (found == null) {
            throw new IllegalArgumentException(object.getClass().getName() + " has no public method " + text(method)
                    + " for " + type.getName() + ", or its package is not open to module dev.sennit");
        }
        return found;
    }

    private static boolean isOfObject(Method method) {
        return switch (method.getName()) {
            case "toString", "hashCode" -> method.getParameterCount() == 0;
            case "equals" -> Arrays.equals(method.getParameterTypes(), new Class<?>[] {Object.class});
            default -> false;
        };
    }

    private Object callOfObject(Object proxy, String method, @Nullable Object[] arguments) {
        return switch (method) {
            case "equals" -> proxy == arguments[0];
            case "hashCode" -> System.identityHashCode(proxy);
            default -> type.getSimpleName() + "[asynchronous on " + pool.name() + ", " + object + "]";
        };
    }

    private static Handler defaultOf(Method method) {
        Class<?> declaring = method.getDeclaringClass();
        try {
            MethodHandle handle = MethodHandles.privateLookupIn(declaring, MethodHandles.lookup())
                    .unreflectSpecial(method, declaring);
            return (proxy, arguments) -> handle.bindTo(proxy).invokeWithArguments(arguments);
        } catch (IllegalAccessException e) { // its package is not open; it may be exported
            return (proxy, arguments) -> InvocationHandler.invokeDefault(proxy, method, arguments);
        }
    }

    private static String text(Method method) {
        return method.getName()
                + Arrays.stream(method.getParameterTypes()).map(Class::getTypeName)
                        .collect(Collectors.joining(", ", "(", ")"));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        @Nullable Object[] given = arguments == null ? NONE : arguments;
        Handler handler = handlers.get(method);
        return handler != null ? handler.call(proxy, given) : callOfObject(proxy, method.getName(), given);
    }
}
