package dev.sennit.process;

import java.io.IOException;
import java.io.Serializable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What is the same of all lambdas that one place in a program makes, told to a worker once and called by a number from then
 * on: a lambda itself is then its number and what it captured.
 *
 * <p>It is what {@link SerializedLambda} says without the captured values; that class's documentation tells how one is made
 * again, by the method {@code $deserializeLambda$} that the compiler adds to the class with the lambda in it.
 */
final class LambdaShapes {
    private LambdaShapes() {}

    /** The shape of a lambda, where it is made. */
    static final class Shape {
        private static final AtomicInteger NUMBERS = new AtomicInteger();
        private static final ClassValue<@Nullable Shape> SHAPES = new ClassValue<>() {
            @Override
            protected @Nullable Shape computeValue(Class<?> type) {
                return find(type);
            }
        };

        private final int number = NUMBERS.getAndIncrement();
        /** {@code (Object) -> Object}. */
        private final MethodHandle writeReplace;
        private volatile byte @Nullable [] description;

        private Shape(MethodHandle writeReplace) {
            this.writeReplace = writeReplace;
        }

        /** Null when the object is no serializable lambda, or one that hides from this module. */
        static @Nullable Shape of(Object lambda) {
            Class<?> type = lambda.getClass();
            return type.isHidden() && lambda instanceof Serializable ? SHAPES.get(type) : null;
        }

        private static @Nullable Shape find(Class<?> type) {
            try {
                Method method = type.getDeclaredMethod("writeReplace");
                method.setAccessible(true);
                return new Shape(MethodHandles.lookup()
                        .unreflect(method)
                        .asType(MethodType.methodType(Object.class, Object.class)));
            } catch (ReflectiveOperationException | RuntimeException e) { // its package is not open to this module
                return null;
            }
        }

        int number() {
            return number;
        }

        /** The lambda with what it captured; null when it is something else after all. */
        @Nullable SerializedLambda open(Object lambda) {
            try {
                Object replaced = (Object) writeReplace.invokeExact(lambda);
                if (!(replaced instanceof SerializedLambda opened)) {
                    return null;
                }
                if (description == null) {
                    description = describe(opened);
                }
                return opened;
            } catch (Throwable e) {
                return null;
            }
        }

        private static byte[] describe(SerializedLambda lambda) throws IOException {
            var out = new MessageBuffer();
            var writer = new CompactWriter(out, false);
            for (Object part : new Object[] {
                lambda.getCapturingClass(),
                lambda.getFunctionalInterfaceClass(),
                lambda.getFunctionalInterfaceMethodName(),
                lambda.getFunctionalInterfaceMethodSignature(),
                lambda.getImplMethodKind(),
                lambda.getImplClass(),
                lambda.getImplMethodName(),
                lambda.getImplMethodSignature(),
                lambda.getInstantiatedMethodType()
            }) {
                writer.write(part);
            }
            return out.copy();
        }

        /** What a worker is told before the first lambda of this shape; after {@link #open}. */
        byte[] description() {
            byte[] made = description;
            if (made == null) {
                throw new IllegalStateException("no lambda of this shape was opened");
            }
            return made;
        }
    }

    /** The shapes that a worker was told. Only the thread that reads tasks. */
    static final class Known {
        private final ClassLoader loader;
        private final Map<Integer, Remade> shapes = new HashMap<>();

        Known(ClassLoader loader) {
            this.loader = loader;
        }

        private record Remade(
                Class<?> capturing,
                MethodHandle remake,
                String type,
                String method,
                String signature,
                int implKind,
                String implClass,
                String implName,
                String implSignature,
                String instantiated) {
            Object with(@Nullable Object[] captured) throws Throwable {
                return (Object) remake.invokeExact(new SerializedLambda(
                        capturing, type, method, signature, implKind, implClass, implName, implSignature, instantiated,
                        captured));
            }
        }

        private final Map<Integer, byte[]> told = new HashMap<>();

        /** Remembers a shape; it is looked at when a lambda has it, so that what is wrong with it is that task's failure. */
        void learn(int number, byte[] description) {
            told.put(number, description);
        }

        Object make(int number, @Nullable Object[] captured) throws IOException, ClassNotFoundException {
            Remade shape = shapes.get(number);
            if (shape == null) {
                byte[] description = told.get(number);
                if (description == null) {
                    throw new IOException("a lambda of the unknown shape " + number);
                }
                shape = remade(new CompactReader(description, description.length, Reading.ofParent(loader), null));
                shapes.put(number, shape);
                told.remove(number);
            }
            try {
                return shape.with(captured);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IOException("lambda of " + shape.capturing.getName() + " cannot be made: " + e, e);
            }
        }

        private Remade remade(CompactReader in) throws IOException, ClassNotFoundException {
            Class<?> capturing = Class.forName(text(in).replace('/', '.'), false, loader);
            MethodHandle remake;
            try {
                Method method = capturing.getDeclaredMethod("$deserializeLambda$", SerializedLambda.class);
                method.setAccessible(true);
                remake = MethodHandles.lookup()
                        .unreflect(method)
                        .asType(MethodType.methodType(Object.class, SerializedLambda.class));
            } catch (ReflectiveOperationException | RuntimeException e) {
                throw new IOException("class " + capturing.getName() + " is not what it was where the task comes from: " + e, e);
            }
            String type = text(in);
            String method = text(in);
            String signature = text(in);
            int kind = (Integer) in.readNonNull();
            return new Remade(capturing, remake, type, method, signature, kind, text(in), text(in), text(in), text(in));
        }

        private static String text(CompactReader in) throws IOException, ClassNotFoundException {
            return (String) in.readNonNull();
        }
    }
}
