package dev.sennit.codec;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.attribute.LineNumberInfo;
import java.lang.classfile.attribute.LocalVariableInfo;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.SerializedLambda;
import java.lang.invoke.TypeDescriptor;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The place of a lambda in the source, and the names of the variables that it captures. They come from the debug
 * information in the class file: names with {@code -g}, as Maven and Gradle compile, lines nearly always.
 *
 * <p>javac makes a method of a lambda's body, whose first parameters are the captured variables.
 */
final class LambdaSource {
    private final SerializedLambda lambda;
    /** Null if it cannot be found; a method reference has none of its own. */
    private final @Nullable MethodModel body;
    private final @Nullable String file;

    private LambdaSource(SerializedLambda lambda, @Nullable ClassModel type) {
        this.lambda = lambda;
        body = type == null || !isLambda()
                ? null
                : type.methods().stream()
                        .filter(method -> method.methodName().equalsString(lambda.getImplMethodName())
                                && method.methodType().equalsString(lambda.getImplMethodSignature()))
                        .findFirst()
                        .orElse(null);
        file = type == null
                ? null
                : type.findAttribute(Attributes.sourceFile())
                        .map(source -> source.sourceFile().stringValue())
                        .orElse(null);
    }

    /**
     * Returns whether it is a lambda, and not a reference to a named method. Compilers of Kotlin and Scala put the name
     * of a method before.
     */
    private boolean isLambda() {
        String name = lambda.getImplMethodName();
        return name.contains("lambda$") || name.contains("$anonfun$");
    }

    private boolean isStatic() {
        return lambda.getImplMethodKind() == MethodHandleInfo.REF_invokeStatic;
    }

    /** Returns whether a captured value is the object whose method contains the lambda. */
    boolean isThis(int captured) {
        return captured == 0 && isLambda() && (!isStatic() || "$this".equals(nameOf(0)));
    }

    /** Returns whether a captured value is the object of a method reference such as {@code out::println}. */
    boolean isBoundTo(int captured) {
        return captured == 0 && !isLambda() && !isStatic();
    }

    /** Returns a description with the place: {@code lambda in app.Main (Main.java:42)}. */
    String what() {
        return (isLambda() ? "lambda" : "method reference to " + lambda.getImplMethodName()) + " in " + place();
    }

    /** Looks at the class that contains a lambda. */
    static LambdaSource of(SerializedLambda lambda, @Nullable ClassLoader loader) {
        String resource = lambda.getImplClass() + ".class";
        try (InputStream in = loader == null
                ? ClassLoader.getSystemResourceAsStream(resource)
                : loader.getResourceAsStream(resource)) {
            return new LambdaSource(lambda, in == null ? null : ClassFile.of().parse(in.readAllBytes()));
        } catch (IOException | IllegalArgumentException e) { // only the message suffers
            return new LambdaSource(lambda, null);
        }
    }

    /** Returns the class, and the file and line if they are known: {@code app.Main (Main.java:42)}. */
    String place() {
        String type = lambda.getCapturingClass().replace('/', '.');
        Optional<Integer> line = code().flatMap(code -> code.findAttribute(Attributes.lineNumberTable()))
                .flatMap(table -> table.lineNumbers().stream().map(LineNumberInfo::lineNumber).min(Integer::compare));
        return file == null || line.isEmpty() ? type : type + " (" + file + ":" + line.get() + ")";
    }

    /** Returns the name of a captured variable, or null. */
    @Nullable String nameOf(int captured) {
        boolean hasThis = !isStatic();
        if (body == null) {
            return null;
        }
        if (hasThis && captured == 0) {
            return "this";
        }
        int slot = hasThis ? 1 : 0;
        var parameters = body.methodTypeSymbol().parameterList();
        int parameter = captured - slot;
        for (int i = 0; i < parameter; i++) {
            slot += slots(parameters.get(i));
        }
        int wanted = slot;
        return code().flatMap(code -> code.findAttribute(Attributes.localVariableTable()))
                .flatMap(table -> table.localVariables().stream()
                        .filter(variable -> variable.slot() == wanted && variable.startPc() == 0)
                        .map(LocalVariableInfo::name)
                        .findFirst())
                .map(Object::toString)
                .orElse(null);
    }

    private static int slots(TypeDescriptor type) {
        String descriptor = type.descriptorString();
        return descriptor.equals("J") || descriptor.equals("D") ? 2 : 1;
    }

    private Optional<CodeAttribute> code() {
        return body == null ? Optional.empty() : body.findAttribute(Attributes.code());
    }
}
