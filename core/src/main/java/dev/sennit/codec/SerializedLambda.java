package dev.sennit.codec;

import java.io.InvalidObjectException;
import java.io.Serial;
import java.io.Serializable;

/**
 * Reads the serialized form of a lambda if the lambda's own class refuses it: see {@link RelocatedLambda}.
 *
 * <p>A stream accepts a class of another package for the written class if it has the same simple name, the same serial
 * number and fields of the same names. So all three are those of {@link java.lang.invoke.SerializedLambda}. Only
 * streams make instances.
 *
 * <p>An instance can call any method. So it is read in tasks of the parent, and refused in every other stream: as a
 * class of this library it is on each allow-list.
 */
@SuppressWarnings({"unused", "serial", "NullAway.Init"}) // a stream sets the fields
final class SerializedLambda implements Serializable {
    /** The name of the class in the stream. */
    static final String NAME = java.lang.invoke.SerializedLambda.class.getName();

    @Serial
    private static final long serialVersionUID = 8025925345765570181L;

    private Class<?> capturingClass;
    private String functionalInterfaceClass;
    private String functionalInterfaceMethodName;
    private String functionalInterfaceMethodSignature;
    private String implClass;
    private String implMethodName;
    private String implMethodSignature;
    private int implMethodKind;
    private String instantiatedMethodType;
    private Object[] capturedArgs;

    private SerializedLambda() {}

    @Serial
    private Object readResolve() throws InvalidObjectException {
        Reading.ensureOfParent("a lambda of another class than its own");
        var lambda = new java.lang.invoke.SerializedLambda(
                capturingClass,
                functionalInterfaceClass,
                functionalInterfaceMethodName,
                functionalInterfaceMethodSignature,
                implMethodKind,
                implClass,
                implMethodName,
                implMethodSignature,
                instantiatedMethodType,
                capturedArgs);
        var refusal = new InvalidObjectException(capturingClass.getName() + " has no such lambda");
        try {
            return RelocatedLambda.factoryOf(capturingClass, lambda, refusal).invokeWithArguments(capturedArgs);
        } catch (InvalidObjectException | Error e) {
            throw e;
        } catch (Throwable e) {
            refusal.initCause(e);
            throw refusal;
        }
    }
}
