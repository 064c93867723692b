package dev.sennit.codec;

import dev.sennit.internal.boot.ParentClasses;
import java.io.IOException;
import java.io.Serializable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The common part of all lambdas that one place in a program makes. A worker is told it once, and then by its number: a
 * lambda travels as this number and its captured values.
 *
 * <p>A shape contains what {@link SerializedLambda} says without the captured values; the documentation of that class
 * explains how a lambda is made again, by the method {@code $deserializeLambda$} that the compiler adds to the class
 * that contains the lambda.
 */
public final class LambdaShapes {
    private LambdaShapes() {}

    /** The shape of a lambda, in the process that made the lambda. */
    public static final class Shape {
        private static final AtomicInteger NUMBERS = new AtomicInteger();
        private static final ClassValue<@Nullable Shape> SHAPES = new ClassValue<>() {
            @Override
            protected @Nullable Shape computeValue(Class<?> type) {
                return find(type);
            }
        };

        private final int number = NUMBERS.getAndIncrement();
        /** The number of the loader of the class that contains the lambda. */
        private final int loader;
        /** {@code (Object) -> Object}. */
        private final MethodHandle writeReplace;
        private volatile byte @Nullable [] description;

        private Shape(int loader, MethodHandle writeReplace) {
            this.loader = loader;
            this.writeReplace = writeReplace;
        }

        /** Returns null if the object is no serializable lambda, or hides from this module. */
        static @Nullable Shape of(Object lambda) {
            Class<?> type = lambda.getClass();
            return type.isHidden() && lambda instanceof Serializable ? SHAPES.get(type) : null;
        }

        private static @Nullable Shape find(Class<?> type) {
            try {
                Method method = type.getDeclaredMethod("writeReplace");
                method.setAccessible(true);
                return new Shape(
                        LoaderNumbers.of(type),
                        MethodHandles.lookup().unreflect(method)
                                .asType(MethodType.methodType(Object.class, Object.class)));
            } catch (ReflectiveOperationException | RuntimeException e) { // its package is not open to this module
                return null;
            }
        }

        public int number() {
            return number;
        }

        /** Returns the lambda with its captured values; null if it is something else. */
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

        private byte[] describe(SerializedLambda lambda) throws IOException {
            var out = new MessageBuffer();
            var writer = new CompactWriter(out, false);
            for (Object part : new Object[] {
                LoaderNumbers.nameFor(loader, lambda.getCapturingClass().replace('/', '.')),
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

        /** Returns what a worker is told before the first lambda of this shape. Called after {@link #open}. */
        public byte[] description() {
            byte[] made = description;
            if (made == null) {
                throw new IllegalStateException("no lambda of this shape was opened");
            }
            return made;
        }
    }

    /** The shapes that a worker was told. Only the thread that reads tasks. */
    public static final class Known {
        /**
         * Each class holds its shapes, and nothing here holds the class: its loader may be unloaded before this process
         * ends.
         */
        private static final ClassValue<List<Remade>> OF_CLASS = new ClassValue<>() {
            @Override
            protected List<Remade> computeValue(Class<?> capturing) {
                return new ArrayList<>();
            }
        };

        private final Map<Integer, WeakReference<Remade>> shapes = new HashMap<>();
        /**
         * The descriptions, some hundred bytes each; kept, as the parent tells a shape once, and its class may be
         * loaded again.
         */
        private final Map<Integer, byte[]> told = new HashMap<>();

        /** Remembers a shape. It is decoded when a lambda has it, so that an error in it fails that task alone. */
        public void learn(int number, byte[] description) {
            told.put(number, description);
        }

        /** Returns a shape; tells the reader the loader of the class that contains it. */
        Remade get(int number, Reading reading) throws IOException, ClassNotFoundException {
            WeakReference<Remade> known = shapes.get(number);
            Remade shape = known == null ? null : known.get();
            if (shape == null) {
                byte[] description = told.get(number);
                if (description == null) {
                    throw new IOException("a lambda of the unknown shape " + number);
                }
                shape = new Remade(new CompactReader(description, description.length, Reading.ofParent(), null),
                        reading);
                OF_CLASS.get(shape.capturing).add(shape);
                shapes.put(number, new WeakReference<>(shape));
            } else if (shape.loader != ParentClasses.SYSTEM) {
                reading.named(shape.loader);
            }
            return shape;
        }
    }

    /** Makes the lambdas of one shape. */
    static final class Remade {
        /** The number of the loader of the capturing class. */
        private final int loader;
        private final Class<?> capturing;
        private final MethodHandle remake;
        private final String type;
        private final String method;
        private final String signature;
        private final int implKind;
        private final String implClass;
        private final String implName;
        private final String implSignature;
        private final String instantiated;
        /** Null while the class's own method makes them. */
        private @Nullable MethodHandle factory;

        private Remade(CompactReader in, Reading reading) throws IOException, ClassNotFoundException {
            String name = text(in);
            loader = Reading.loaderIn(name);
            capturing = reading.find(name);
            try {
                Method found = capturing.getDeclaredMethod("$deserializeLambda$", SerializedLambda.class);
                found.setAccessible(true);
                remake = MethodHandles.lookup()
                        .unreflect(found)
                        .asType(MethodType.methodType(Object.class, SerializedLambda.class));
            } catch (ReflectiveOperationException | RuntimeException e) {
                throw new IOException(
                        "class " + capturing.getName() + " is not what it was where the task comes from: " + e, e);
            }
            type = text(in);
            method = text(in);
            signature = text(in);
            implKind = (Integer) in.readNonNull();
            implClass = text(in);
            implName = text(in);
            implSignature = text(in);
            instantiated = text(in);
        }

        private static String text(CompactReader in) throws IOException, ClassNotFoundException {
            return (String) in.readNonNull();
        }

        /** Makes a lambda of this shape. */
        Object with(@Nullable Object[] captured) throws IOException {
            try {
                if (factory != null) {
                    return factory.invokeWithArguments(captured);
                }
                var lambda = new SerializedLambda(
                        capturing, type, method, signature, implKind, implClass, implName, implSignature, instantiated,
                        captured);
                try {
                    return (Object) remake.invokeExact(lambda);
                } catch (IllegalArgumentException e) {
                    if (!RelocatedLambda.isRefusal(e)) {
                        throw e;
                    }
                    factory = RelocatedLambda.factoryOf(capturing, lambda, e);
                    return factory.invokeWithArguments(captured);
                }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IOException("lambda of " + capturing.getName() + " cannot be made: " + e, e);
            }
        }
    }
}
