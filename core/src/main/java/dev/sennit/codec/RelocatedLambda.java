package dev.sennit.codec;

import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.util.Arrays;

/**
 * Makes a lambda again whose class has been moved to another package after it was compiled, as build tools do that shade.
 *
 * <p>The compiler gives a class with serializable lambdas the method {@code $deserializeLambda$}, which compares descriptors with
 * strings; such tools rename the descriptors and not all of the strings, and so it refuses its own lambdas. What makes a lambda is
 * told by {@link SerializedLambda} all the same, and {@link LambdaMetafactory} takes it, as it does from the compiler.
 *
 * <p>It takes that only for a class of this library's own module, as the class path is one.
 */
final class RelocatedLambda {
    /** What javac has such a class throw; its text is all that tells it apart. */
    private static final String REFUSAL = "Invalid lambda deserialization";

    private RelocatedLambda() {}

    /** Whether a class has refused to make a lambda of its own. */
    static boolean isRefusal(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof IllegalArgumentException && REFUSAL.equals(cause.getMessage())) {
                return true;
            }
        }
        return false;
    }

    /**
     * Makes the lambdas of a shape from what they capture.
     *
     * @param refusal why the class does not make it itself
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
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) { // then it is no lambda of that class
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
