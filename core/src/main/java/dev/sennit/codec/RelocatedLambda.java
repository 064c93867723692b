package dev.sennit.codec;

import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.util.Arrays;

/**
 * Makes a lambda whose class was moved to another package after it was compiled, as shading build tools do.
 *
 * <p>The compiler gives a class with serializable lambdas the method {@code $deserializeLambda$}, which compares
 * descriptors with strings. Such tools rename the descriptors, but not all of the strings, and so the class refuses its
 * own lambdas. But {@link SerializedLambda} says how a lambda is made, and {@link LambdaMetafactory} makes it, as it
 * does for the compiler.
 *
 * <p>It does so only for a class of this library's own module, as on the class path.
 */
final class RelocatedLambda {
    /** What the compiler's method throws; only its text tells it apart. */
    private static final String REFUSAL = "Invalid lambda deserialization";

    private RelocatedLambda() {}

    /** Returns whether a class has refused to make its own lambda. */
    static boolean isRefusal(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof IllegalArgumentException && REFUSAL.equals(cause.getMessage())) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns a factory that makes the lambdas of a shape from their captured values.
     *
     * @param refusal why the class does not make them itself
     */
    static MethodHandle factoryOf(Class<?> capturing, SerializedLambda lambda, Exception refusal) throws Throwable {
        try {
            ClassLoader loader = capturing.getClassLoader();
            MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(capturing, MethodHandles.lookup());
            MethodHandle body = bodyOf(lambda, lookup, loader);
            Class<?>[] captured = Arrays.copyOf(body.type().parameterArray(), lambda.getCapturedArgCount());
            Class<?> type = named(lambda.getFunctionalInterfaceClass(), loader);
            return LambdaMetafactory.altMetafactory(
                    lookup,
                    lambda.getFunctionalInterfaceMethodName(),
                    MethodType.methodType(type, captured),
                    MethodType.fromMethodDescriptorString(lambda.getFunctionalInterfaceMethodSignature(), loader),
                    body,
                    MethodType.fromMethodDescriptorString(lambda.getInstantiatedMethodType(), loader),
                    LambdaMetafactory.FLAG_SERIALIZABLE)
                    .dynamicInvoker();
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) { // it is no lambda of that class
            refusal.addSuppressed(e);
            throw refusal;
        }
    }

    private static MethodHandle bodyOf(SerializedLambda lambda, MethodHandles.Lookup lookup, ClassLoader loader)
            throws ReflectiveOperationException {
        Class<?> owner = named(lambda.getImplClass(), loader);
        String name = lambda.getImplMethodName();
        MethodType type = MethodType.fromMethodDescriptorString(lambda.getImplMethodSignature(), loader);
        return switch (lambda.getImplMethodKind()) {
            case MethodHandleInfo.REF_invokeStatic -> lookup.findStatic(owner, name, type);
            case MethodHandleInfo.REF_newInvokeSpecial -> lookup.findConstructor(owner, type);
            case MethodHandleInfo.REF_invokeSpecial -> lookup.findSpecial(owner, name, type, lookup.lookupClass());
            default -> lookup.findVirtual(owner, name, type);
        };
    }

    private static Class<?> named(String internalName, ClassLoader loader) throws ClassNotFoundException {
        return Class.forName(internalName.replace('/', '.'), false, loader);
    }
}
