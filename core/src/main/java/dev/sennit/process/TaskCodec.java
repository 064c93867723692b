package dev.sennit.process;

import dev.sennit.RemoteTaskException;
import dev.sennit.TaskSerializationException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InvalidClassException;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.SerializedLambda;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Turns tasks and their outcomes into bytes and back: in the {@link CompactForm} where they have one, else with Java
 * serialization.
 *
 * <p>The parent decodes what a worker sends behind an {@link AllowList}, as a worker runs code on data from anywhere. A
 * worker decodes what its parent sends without one: the parent chose the worker's class path and command line, and is
 * the only one that can write to it.
 */
final class TaskCodec {
    /** How it begins when a result cannot travel. */
    static final String RESULT_REFUSED = "result cannot travel home";

    private TaskCodec() {}

    // ---- tasks ----

    /** Encodes a task; throws {@link TaskSerializationException} with the culprit when it cannot travel. */
    static EncodedTask encode(Callable<?> task, Class<?> written, String name) {
        EncodedTask compact = EncodedTask.compact(task);
        if (compact != null) {
            return compact;
        }
        MessageBuffer buffer = encodeTask(task, written, name);
        return new EncodedTask(buffer.bytes(), buffer.length(), List.of());
    }

    /** Decodes what {@link #encode} made. */
    static Callable<?> decode(byte[] message, int length, LambdaShapes.Known shapes) throws IOException {
        if (isJavaStream(message, length)) {
            return decodeTask(message, length);
        }
        try {
            return (Callable<?>) Objects.requireNonNull(
                    new CompactReader(message, length, ClassLoader.getSystemClassLoader(), null, shapes).readAll());
        } catch (ClassNotFoundException e) {
            throw notOnClassPath(e);
        }
    }

    private static boolean isJavaStream(byte[] message, int length) {
        return length > 0 && message[0] == CompactForm.JAVA_STREAM;
    }

    private static TaskSerializationException notOnClassPath(ClassNotFoundException e) {
        return new TaskSerializationException(
                "class " + e.getMessage() + " is not on the worker's class path, which is that of the JVM that opened"
                        + " the pool; name another with ProcessPool.builder().classPath(...)",
                e);
    }

    /** Encodes a task with Java serialization, so that nothing else has to be known to decode it. */
    static MessageBuffer encodeTask(Callable<?> task, Class<?> written, String name) {
        var buffer = new MessageBuffer();
        var seen = new LambdaNoticingStream(buffer);
        try {
            seen.write(task);
            return buffer;
        } catch (IOException | RuntimeException | StackOverflowError e) {
            throw new TaskSerializationException(
                    "task " + name + " cannot travel to a worker process: " + why(task, written, seen.lambda, e), e);
        }
    }

    static Callable<?> decodeTask(byte[] message, int length) throws IOException {
        ClassLoader loader = ClassLoader.getSystemClassLoader();
        try (var in = new LoaderStream(new ByteArrayInputStream(message, 0, length), loader)) {
            return (Callable<?>) in.readObject();
        } catch (ClassNotFoundException e) {
            throw notOnClassPath(e);
        }
    }

    private static String why(Callable<?> task, Class<?> written, @Nullable SerializedLambda lambda, Throwable failure) {
        if (failure instanceof StackOverflowError) {
            return "it holds objects linked too deeply";
        }
        if (!(failure instanceof NotSerializableException)) {
            return String.valueOf(failure.getMessage());
        }
        String culprit = String.valueOf(failure.getMessage());
        if (lambda == null) {
            return culprit.equals(task.getClass().getName()) || culprit.equals(written.getName())
                    ? "its class is not Serializable; give the lambda straight to Pool.submit, declare it as a Task or Action, or"
                            + " let the class implement Serializable"
                    : "it holds a " + culprit + ", which is not Serializable; give it what it needs as values";
        }
        for (int i = 0; i < lambda.getCapturedArgCount(); i++) {
            Object captured = lambda.getCapturedArg(i);
            if (canTravel(captured)) {
                continue;
            }
            LambdaSource source = LambdaSource.of(lambda, written.getClassLoader());
            String name = source.nameOf(i);
            boolean isThis = i == 0 && lambda.getImplMethodKind() != MethodHandleInfo.REF_invokeStatic;
            String type = captured.getClass().getName();
            return "the lambda in " + source.place() + " captures " + (isThis ? "this, " : name != null ? name + ", " : "")
                    + "a " + type + (type.equals(culprit) ? "" : " that holds a " + culprit) + ", which is not Serializable; "
                    + (isThis
                            ? "copy the fields it needs into local variables first"
                            : "capture a value instead, or make the object inside the task");
        }
        return "it holds a " + culprit + ", which is not Serializable";
    }

    private static boolean canTravel(@Nullable Object value) {
        try {
            new LambdaNoticingStream(OutputStream.nullOutputStream()).write(value);
            return true;
        } catch (IOException | RuntimeException | StackOverflowError e) {
            return false;
        }
    }

    // ---- outcomes ----

    static MessageBuffer encodeValue(@Nullable Object value) {
        return encodeValue(value, RESULT_REFUSED);
    }

    /** Encodes a value; what is said of one that cannot travel begins as given. */
    static MessageBuffer encodeValue(@Nullable Object value, String refusal) {
        var buffer = new MessageBuffer();
        encodeValue(value, refusal, buffer);
        return buffer;
    }

    /** The same, in a buffer that is empty. */
    static void encodeValue(@Nullable Object value, String refusal, MessageBuffer buffer) {
        try {
            new CompactWriter(buffer, false).write(value);
            return;
        } catch (IOException | RuntimeException | StackOverflowError e) { // Java serialization can, or says why not
            buffer.clear();
        }
        try {
            new LambdaNoticingStream(buffer).write(value);
        } catch (IOException | RuntimeException | StackOverflowError e) {
            String type = value == null ? "null" : value.getClass().getName();
            String culprit = e instanceof NotSerializableException && !type.equals(e.getMessage())
                    ? " holds a " + e.getMessage() + ", which is not Serializable"
                    : e instanceof NotSerializableException ? " is not Serializable" : ": " + e;
            throw new TaskSerializationException(refusal + ": its class " + type + culprit, e);
        }
    }

    /**
     * Encodes a failure twice: as itself, if it can be serialized, and as a description, which the parent falls back to
     * when it cannot or may not decode it.
     */
    static MessageBuffer encodeFailure(Throwable failure) throws IOException {
        byte[] exact = null;
        try {
            var buffer = new MessageBuffer();
            new LambdaNoticingStream(buffer).write(failure);
            exact = java.util.Arrays.copyOf(buffer.bytes(), buffer.length());
        } catch (IOException | RuntimeException | StackOverflowError e) {
            // the description will do
        }
        var buffer = new MessageBuffer();
        new LambdaNoticingStream(buffer).write(new Failure(exact, Description.of(failure, 0)));
        return buffer;
    }

    static @Nullable Object decodeValue(byte[] message, ClassLoader loader, AllowList allowed) {
        return decodeValue(message, message.length, loader, allowed);
    }

    /** The same for a message that is the first bytes of an array. */
    static @Nullable Object decodeValue(byte[] message, int length, ClassLoader loader, AllowList allowed) {
        return decodeValue(message, length, loader, allowed, "result refused");
    }

    /** Decodes a value; what is said of one that is refused begins as given. */
    static @Nullable Object decodeValue(
            byte[] message, int length, ClassLoader loader, AllowList allowed, String refusal) {
        try {
            return read(Object.class, message, length, loader, allowed);
        } catch (Unreadable e) {
            throw new TaskSerializationException(refusal + ": " + e.getMessage(), e.getCause());
        }
    }

    static Throwable decodeFailure(byte[] message, ClassLoader loader, AllowList allowed) {
        return decodeFailure(message, message.length, loader, allowed);
    }

    /** The same for a message that is the first bytes of an array. */
    static Throwable decodeFailure(byte[] message, int length, ClassLoader loader, AllowList allowed) {
        Failure failure;
        try {
            failure = Objects.requireNonNull(read(Failure.class, message, length, loader, allowed));
        } catch (Unreadable e) {
            return new TaskSerializationException("failure refused: " + e.getMessage(), e.getCause());
        }
        if (failure.exact() == null) {
            return failure.described().toException();
        }
        try {
            return Objects.requireNonNull(read(Throwable.class, failure.exact(), failure.exact().length, loader, allowed));
        } catch (Unreadable e) {
            RemoteTaskException standIn = failure.described().toException();
            standIn.addSuppressed(
                    new TaskSerializationException("exception refused: " + e.getMessage(), e.getCause()));
            return standIn;
        }
    }

    private static <V> @Nullable V read(
            Class<V> type, byte[] message, int length, ClassLoader loader, AllowList allowed) throws Unreadable {
        if (!isJavaStream(message, length)) {
            return readCompact(type, message, length, loader, allowed);
        }
        AllowList.Filter filter = allowed.filterFor(length);
        try (var in = new LoaderStream(new ByteArrayInputStream(message, 0, length), loader)) {
            in.setObjectInputFilter(filter);
            return type.cast(in.readObject());
        } catch (Throwable e) { // what a class does when it is read is its own business
            String refusal = filter.refusal();
            throw new Unreadable(refusal != null ? refusal : e.toString(), e);
        }
    }

    private static <V> @Nullable V readCompact(
            Class<V> type, byte[] message, int length, ClassLoader loader, AllowList allowed) throws Unreadable {
        try {
            return type.cast(new CompactReader(message, length, loader, allowed, null).readAll());
        } catch (InvalidClassException e) {
            throw new Unreadable(String.valueOf(e.getMessage()), e);
        } catch (Throwable e) { // what a record does when it is made is its own business
            throw new Unreadable(e.toString(), e);
        }
    }

    /** What came could not be read, or was refused; the message is for people. */
    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1L;
        private final Throwable reason;

        Unreadable(String message, Throwable reason) {
            super(message, reason, false, false);
            this.reason = reason;
        }

        @Override
        public Throwable getCause() {
            return reason;
        }
    }

    /** A failure on its way home. */
    private record Failure(byte @Nullable [] exact, Description described) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** What is said of an exception where it cannot be shown itself; made of strings alone. */
    private record Description(
            String className, String text, StackTraceElement[] stack, @Nullable Description cause)
            implements Serializable {
        private static final long serialVersionUID = 1L;
        private static final int DEEPEST = 32;

        static Description of(Throwable failure, int depth) {
            Throwable cause = failure.getCause();
            return new Description(
                    failure.getClass().getName(),
                    textOf(failure),
                    stackOf(failure),
                    cause == null || depth == DEEPEST ? null : of(cause, depth + 1));
        }

        private static String textOf(Throwable failure) {
            try {
                return failure.toString();
            } catch (RuntimeException e) {
                return failure.getClass().getName();
            }
        }

        private static StackTraceElement[] stackOf(Throwable failure) {
            try {
                return Objects.requireNonNull(failure.getStackTrace());
            } catch (RuntimeException e) {
                return new StackTraceElement[0];
            }
        }

        RemoteTaskException toException() {
            var exception = new RemoteTaskException(className, text);
            exception.setStackTrace(stack);
            if (cause != null) {
                exception.initCause(cause.toException());
            }
            return exception;
        }
    }

    /** Remembers the last lambda it wrote, whose captured values tell what it was that could not be written. */
    private static final class LambdaNoticingStream {
        private final OutputStream target;
        private @Nullable SerializedLambda lambda;

        LambdaNoticingStream(OutputStream target) {
            this.target = target;
        }

        void write(@Nullable Object value) throws IOException {
            try (var out = new ObjectOutputStream(target) {
                {
                    enableReplaceObject(true);
                }

                @Override
                protected @Nullable Object replaceObject(@Nullable Object object) throws IOException {
                    if (object instanceof SerializedLambda noticed) {
                        lambda = noticed;
                    }
                    return object instanceof MemorySegment segment ? SegmentForm.addressOf(segment) : object;
                }
            }) {
                out.writeObject(value);
            }
        }
    }

    /** Finds classes through a given loader. */
    private static final class LoaderStream extends ObjectInputStream {
        private final ClassLoader loader;

        LoaderStream(InputStream in, ClassLoader loader) throws IOException {
            super(in);
            this.loader = loader;
        }

        @Override
        protected Class<?> resolveClass(ObjectStreamClass description) throws IOException, ClassNotFoundException {
            try {
                return Class.forName(description.getName(), false, loader);
            } catch (ClassNotFoundException e) {
                return super.resolveClass(description); // primitives, and classes of this library itself
            }
        }
    }
}
