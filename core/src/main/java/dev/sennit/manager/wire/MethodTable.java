package dev.sennit.manager.wire;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The methods of an interface that can be called from another process: the abstract ones, in an order that is the same
 * in every JVM. Default methods run in the calling process, and call these.
 */
public final class MethodTable {
    private static final ClassValue<MethodTable> KNOWN = new ClassValue<>() {
        @Override
        protected MethodTable computeValue(Class<?> type) {
            return new MethodTable(type);
        }
    };

    private final Class<?> type;
    private final List<Method> methods;
    private final Map<Method, Integer> numbers = new HashMap<>();
    private final boolean[] interruptible;
    private final long fingerprint;

    private MethodTable(Class<?> type) {
        this.type = type;
        methods = Arrays.stream(type.getMethods())
                .filter(method -> Modifier.isAbstract(method.getModifiers()))
                .filter(method -> !isOfObject(method))
                .sorted(Comparator.comparing(MethodTable::signature))
                .toList();
        interruptible = new boolean[methods.size()];
        var sum = new CRC32();
        for (Method method : methods) {
            if (!method.trySetAccessible()) {
                throw new IllegalArgumentException(
                        type + " must be public, and in a package that its module exports, or opens to "
                                + MethodTable.class.getModule());
            }
            interruptible[numbers.size()] = Arrays.stream(method.getExceptionTypes())
                    .anyMatch(thrown -> thrown.isAssignableFrom(InterruptedException.class));
            numbers.put(method, numbers.size());
            sum.update(signature(method).getBytes(StandardCharsets.UTF_8));
        }
        fingerprint = sum.getValue();
    }

    /**
     * Returns the table of an interface.
     *
     * @throws IllegalArgumentException if the type is not an interface, or not accessible from here
     */
    public static MethodTable of(Class<?> type) {
        if (!type.isInterface() || type.isAnnotation()) {
            throw new IllegalArgumentException(type + " must be an interface");
        }
        return KNOWN.get(type);
    }

    private static boolean isOfObject(Method method) {
        try {
            Object.class.getMethod(method.getName(), method.getParameterTypes());
            return true;
        } catch (NoSuchMethodException e) {
            return false;
        }
    }

    private static String signature(Method method) {
        var text = new StringBuilder(method.getName()).append('(');
        for (Class<?> parameter : method.getParameterTypes()) {
            text.append(parameter.getName()).append(',');
        }
        return text.append(')').append(method.getReturnType().getName()).toString();
    }

    public Class<?> type() {
        return type;
    }

    /**
     * Returns a loader that finds the interface and this library: the interface's own, unless it is one of the JDK's.
     */
    public ClassLoader loader() {
        ClassLoader loader = type.getClassLoader();
        return loader == null || loader == ClassLoader.getPlatformClassLoader()
                ? MethodTable.class.getClassLoader()
                : loader;
    }

    /** Returns a number that differs for versions of the interface with other methods. */
    public long fingerprint() {
        return fingerprint;
    }

    public int numberOf(Method method) {
        Integer number = numbers.get(method);
        if (number == null) {
            throw new UnsupportedOperationException(method + " is not one of " + type.getName());
        }
        return number;
    }

    /** Returns the method of a number, or null: the number comes from the other side. */
    public @Nullable Method method(int number) {
        return number >= 0 && number < methods.size() ? methods.get(number) : null;
    }

    /** Returns whether an interrupt may end the method: it throws {@link InterruptedException}. */
    public boolean isInterruptible(int number) {
        return interruptible[number];
    }
}
