package dev.sennit.codec;

import java.io.InvalidObjectException;
import java.io.Serial;
import java.io.Serializable;

/**
 * Reads what Java serialization writes of a lambda, where the lambda's own class refuses it: see {@link RelocatedLambda}.
 *
 * <p>A stream takes a class of another package for the one that was written, if it has the same simple name, the same number and fields
 * of the same names. So all three are those of {@link java.lang.invoke.SerializedLambda}. None of these is ever made otherwise.
 *
 * <p>It can call any method there is. So it is read in a task of the parent's, and refused in every other stream: as a class of this
 * library it is on each allow-list.
 */
@SuppressWarnings({"unused", "serial", "NullAway.Init"}) // a stream sets the fields
final class SerializedLambda implements Serializable {
    /** The name of the class that is written. */
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
