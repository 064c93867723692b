package dev.sennit.codec;

import dev.sennit.RemoteTaskException;
import dev.sennit.TaskSerializationException;
import dev.sennit.internal.ItemResults;
import dev.sennit.internal.PartialFailure;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.boot.ParentClasses;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InvalidClassException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * Turns tasks and their outcomes into bytes and back: in the {@link CompactForm} if they have one, else with Java
 * serialization.
 *
 * <p>The parent decodes messages of a worker behind an {@link AllowList}, as a worker runs code on data from anywhere.
 * A worker decodes messages of its parent without an allow-list: the parent chose the worker's class path and command
 * line, and only the parent can write to the worker.
 */
public final class TaskCodec {
    /** How the message begins if a result cannot travel. */
    public static final String RESULT_REFUSED = "result cannot travel home";

    private TaskCodec() {}

    // ---- tasks ----

    /**
     * Encodes a task; throws {@link TaskSerializationException} with the culprit if the task cannot travel.
     *
     * @param sent gets the class of the task and all classes in it: what this JVM sends may come back
     */
    public static EncodedTask encode(Callable<?> task, Class<?> written, String name, AllowList sent) {
        sent.allowBeside(written);
        EncodedTask compact = EncodedTask.compact(task, sent);
        if (compact != null) {
            return compact;
        }
        List<Movable> given = new ArrayList<>();
        MessageBuffer buffer = encodeTask(task, written, name, given, sent);
        return new EncodedTask(buffer.bytes(), buffer.length(), List.of(), Handover.of(given));
    }

    /** Decodes the result of {@link #encode}. */
    public static Callable<?> decode(byte[] message, int length, Reading reading, LambdaShapes.Known shapes)
            throws IOException {
        if (isJavaStream(message, length)) {
            return decodeTask(message, length, reading);
        }
        try {
            return (Callable<?>) Objects.requireNonNull(new CompactReader(message, length, reading, shapes).readAll());
        } catch (ClassNotFoundException e) {
            throw notFound(e);
        } catch (StackOverflowError e) {
            throw tooDeepToRead();
        }
    }

    private static boolean isJavaStream(byte[] message, int length) {
        return length > 0 && message[0] == CompactForm.JAVA_STREAM;
    }

    private static TaskSerializationException notFound(ClassNotFoundException e) {
        Throwable why = e.getCause();
        return new TaskSerializationException(
                "class " + e.getMessage() + " is not on the worker's class path, and its parent cannot hand it over"
                        + (why == null ? "" : ": " + Throwables.message(why))
                        + "; put it into a folder or jar that the program is started with",
                e);
    }

    /**
     * Encodes a task with Java serialization: decoding it needs no shapes.
     *
     * @param given gets the connections that move with the task
     * @param sent as in {@link #encode}
     */
    public static MessageBuffer encodeTask(Callable<?> task, Class<?> written, String name, List<Movable> given,
            AllowList sent) {
        sent.allowBeside(written);
        var buffer = new MessageBuffer();
        var seen = new LambdaNoticingStream(buffer, sent);
        try {
            given.addAll(seen.write(task));
            return buffer;
        } catch (IOException | RuntimeException | StackOverflowError e) {
            throw new TaskSerializationException(
                    "task " + name + " cannot travel to a worker process: " + why(task, written, seen.lambda, e),
                    causeOf(e));
        }
    }

    public static Callable<?> decodeTask(byte[] message, int length, Reading reading) throws IOException {
        try {
            try {
                return readTask(message, length, reading, false);
            } catch (InvalidObjectException e) {
                if (!RelocatedLambda.isRefusal(e)) {
                    throw e;
                }
                return readTask(message, length, reading, true);
            }
        } catch (ClassNotFoundException e) {
            throw notFound(e);
        } catch (StackOverflowError e) {
            throw tooDeepToRead();
        }
    }

    private static Callable<?> readTask(byte[] message, int length, Reading reading, boolean relocated)
            throws IOException, ClassNotFoundException {
        try (var in = new TaskStream(new ByteArrayInputStream(message, 0, length), reading, relocated)) {
            try {
                return (Callable<?>) Objects.requireNonNull(reading.read(in::readObject));
            } catch (InvalidClassException e) {
                throw JvmFilter.explained(e, in.last);
            }
        }
    }

    private static String why(Callable<?> task, Class<?> written, @Nullable SerializedLambda lambda,
            Throwable failure) {
        Culprit culprit = Culprit.of(failure);
        if (culprit == null && !(failure instanceof StackOverflowError)) {
            return String.valueOf(Throwables.message(failure));
        }
        if (FutureTask.class.isAssignableFrom(written)) {
            return "it is a FutureTask, as ExecutorCompletionService hands over: what it would do to itself in the "
                    + "worker, nobody here would see; submit the task itself, and take the futures from "
                    + "Futures.inCompletionOrder";
        }
        for (int i = 0; lambda != null && i < lambda.getCapturedArgCount(); i++) {
            Object captured = lambda.getCapturedArg(i);
            if (!canTravel(captured)) {
                return captures(LambdaSource.of(lambda, written.getClassLoader()), i, captured, culprit);
            }
        }
        if (culprit == null) {
            return "it is " + NESTED_TOO_DEEPLY;
        }
        if (lambda == null && (culprit.is(task.getClass()) || culprit.is(written))) {
            return "its class is not Serializable; give the lambda straight to Pool.submit, declare it as a Task or "
                    + "Action, or let the class implement Serializable";
        }
        return "it holds " + culprit.named() + Culprit.fieldIn(task, TaskCodec::canTravel) + ", which "
                + culprit.fault() + "; "
                + (culprit.remedy() != null ? culprit.remedy() : "give it what it needs as values");
    }

    private static String captures(LambdaSource source, int number, Object captured, @Nullable Culprit culprit) {
        String name = source.nameOf(number);
        boolean isThis = source.isThis(number);
        String what = isThis
                ? "this, "
                : source.isBoundTo(number) ? "the object that it calls, " : name != null ? name + ", " : "";
        String type = Culprit.named(captured.getClass().getName());
        String start = "the " + source.what() + " captures " + what + type;
        if (culprit == null) {
            return start + ", " + NESTED_TOO_DEEPLY;
        }
        String held = culprit.is(captured.getClass())
                ? ""
                : " that holds " + culprit.named() + Culprit.fieldIn(captured, TaskCodec::canTravel);
        String remedy = culprit.remedy();
        if (remedy == null) {
            remedy = culprit.className().contains("$$Lambda")
                    ? culprit.advice()
                    : isThis
                            ? "make what it calls static, or copy the fields it needs into local variables first"
                            : "capture a value instead, or make the object inside the task";
        }
        return start + held + ", which " + culprit.fault() + "; " + remedy;
    }

    private static final String NESTED_TOO_DEEPLY = "nested too deeply for Java serialization; send a flat list";

    /** Returns no cause for an overflow: a thousand lines of its stack tell no more than the message. */
    private static @Nullable Throwable causeOf(Throwable failure) {
        return failure instanceof StackOverflowError ? null : failure;
    }

    private static TaskSerializationException tooDeepToRead() {
        return new TaskSerializationException("task cannot be read by the worker: it is " + NESTED_TOO_DEEPLY, null);
    }

    private static boolean canTravel(@Nullable Object value) {
        try {
            List<Movable> given = new LambdaNoticingStream(OutputStream.nullOutputStream()).write(value);
            given.forEach(Movable::isNotSent);
            return true;
        } catch (IOException | RuntimeException | StackOverflowError e) {
            return false;
        }
    }

    // ---- outcomes ----

    public static MessageBuffer encodeValue(@Nullable Object value) {
        return encodeValue(value, RESULT_REFUSED);
    }

    /** Encodes a value; the message of a refusal begins as given. */
    public static MessageBuffer encodeValue(@Nullable Object value, String refusal) {
        var buffer = new MessageBuffer();
        encodeValue(value, refusal, buffer);
        return buffer;
    }

    /** Encodes a value into an empty buffer. */
    public static void encodeValue(@Nullable Object value, String refusal, MessageBuffer buffer) {
        try {
            new CompactWriter(buffer, false).write(value);
            return;
        } catch (IOException | RuntimeException | StackOverflowError e) { // Java serialization can, or says why not
            buffer.clear();
        }
        try {
            new LambdaNoticingStream(buffer).write(value);
        } catch (IOException | RuntimeException | StackOverflowError e) {
            throw new TaskSerializationException(refusal + ": " + whyRefused(value, e), causeOf(printable(e)));
        }
    }

    private static String whyRefused(@Nullable Object value, Throwable failure) {
        if (value instanceof ItemResults results) { // the program does not know this class
            for (Object result : results.values()) {
                if (!canTravel(result)) {
                    return whyRefused(result, failure);
                }
            }
            return "the results of " + results.values().size() + " items together: " + reason(failure);
        }
        String type = value == null ? "null" : value.getClass().getName();
        Culprit culprit = Culprit.of(failure);
        String start = type.contains("$$Lambda") ? "it is " + Culprit.named(type) + ", which" : "its class " + type;
        if (culprit == null || value == null) {
            return start + ": " + reason(failure);
        }
        return start
                + (culprit.is(value.getClass())
                        ? " " + culprit.fault()
                        : " holds " + culprit.named() + Culprit.fieldIn(value, TaskCodec::canTravel) + ", which "
                                + culprit.fault())
                + "; " + culprit.advice();
    }

    /** Describes a failure. */
    private static String reason(Throwable failure) {
        return switch (failure) {
            case StackOverflowError _ -> NESTED_TOO_DEEPLY;
            case ClassNotFoundException e -> "class " + Throwables.message(e)
                    + " is not on the class path of this JVM; the sender has it: add it here as well";
            default -> Throwables.text(failure);
        };
    }

    /**
     * Encodes a failure twice: as itself, if it can be serialized, and as a description, which the parent uses if it
     * cannot or may not decode the former. There is a description whatever the failure's own methods do. The results of
     * a {@link PartialFailure} are included.
     */
    public static MessageBuffer encodeFailure(Throwable failure) throws IOException {
        return failure instanceof PartialFailure partial
                ? encodePartial(partial.finished(), partial.failure())
                : encodeFailure(failure, null);
    }

    /** Encodes the failure of a task whose value could not be encoded. */
    public static MessageBuffer encodeFailure(Throwable failure, @Nullable Object value) throws IOException {
        return value instanceof ItemResults results ? encodePartial(results.values(), failure) : encodeFailure(failure);
    }

    /** Includes the results before the first that cannot be encoded; then that one's failure is the failure. */
    private static MessageBuffer encodePartial(List<? extends @Nullable Object> results, Throwable failure)
            throws IOException {
        int count = 0;
        Throwable first = failure;
        try {
            for (Object result : results) {
                encodeValue(result);
                count++;
            }
        } catch (Throwable e) { // also an Error of a value's own methods
            first = e;
        }
        try {
            MessageBuffer finished = encodeValue(new ArrayList<>(results.subList(0, count)));
            return encodeFailure(first, Arrays.copyOf(finished.bytes(), finished.length()));
        } catch (Throwable e) { // they are too large together, say
            return encodeFailure(first, null);
        }
    }

    private static MessageBuffer encodeFailure(Throwable failure, byte @Nullable [] finished) throws IOException {
        Description described = Description.of(failure, 0);
        String whyNot;
        try {
            MessageBuffer exact = encoded(failure);
            return encoded(new Failure(Arrays.copyOf(exact.bytes(), exact.length()), described, null, finished));
        } catch (Throwable e) { // from the failure's own methods, or no room for it
            whyNot = whyRefused(failure, e);
        }
        return encoded(new Failure(null, described, whyNot, finished));
    }

    private static MessageBuffer encoded(Object value) throws IOException {
        var buffer = new MessageBuffer();
        new LambdaNoticingStream(buffer).write(value);
        return buffer;
    }

    /** Decodes a value from the first bytes of an array. */
    public static @Nullable Object decodeValue(byte[] message, int length, ClassLoader loader, AllowList allowed) {
        return decodeValue(message, length, loader, allowed, "result refused");
    }

    /** Decodes a value; the message of a refusal begins as given. */
    public static @Nullable Object decodeValue(
            byte[] message, int length, ClassLoader loader, AllowList allowed, String refusal) {
        return decodeValue(message, length, Reading.behind(allowed, loader), refusal);
    }

    public static @Nullable Object decodeValue(byte[] message, Reading reading) {
        return decodeValue(message, message.length, reading, "result refused");
    }

    public static @Nullable Object decodeValue(byte[] message, int length, Reading reading, String refusal) {
        try {
            return read(Object.class, message, length, reading);
        } catch (Unreadable e) {
            throw new TaskSerializationException(refusal + ": " + e.getMessage(), e.getCause());
        }
    }

    public static Throwable decodeFailure(byte[] message, ClassLoader loader, AllowList allowed) {
        return decodeFailure(message, message.length, loader, allowed);
    }

    /** Decodes a failure from the first bytes of an array. */
    public static Throwable decodeFailure(byte[] message, int length, ClassLoader loader, AllowList allowed) {
        return decodeFailure(message, length, Reading.behind(allowed, loader));
    }

    public static Throwable decodeFailure(byte[] message, Reading reading) {
        return decodeFailure(message, message.length, reading);
    }

    private static Throwable decodeFailure(byte[] message, int length, Reading reading) {
        Failure failure;
        try {
            failure = Objects.requireNonNull(read(Failure.class, message, length, reading));
        } catch (Unreadable e) {
            return new TaskSerializationException("failure refused: " + e.getMessage(), e.getCause());
        }
        Throwable thrown = throwableIn(failure, reading);
        return failure.finished() == null ? thrown : withFinished(thrown, failure.finished(), reading);
    }

    private static Throwable withFinished(Throwable failure, byte[] finished, Reading reading) {
        try {
            return new PartialFailure(Objects.requireNonNull(read(List.class, finished, finished.length, reading)),
                    failure);
        } catch (Unreadable e) { // an earlier result is refused
            return new TaskSerializationException("result refused: " + e.getMessage(), e.getCause());
        }
    }

    private static Throwable throwableIn(Failure failure, Reading reading) {
        RemoteTaskException standIn;
        try {
            standIn = failure.described().toException();
        } catch (RuntimeException e) { // a forged description
            return new TaskSerializationException("failure refused: its description makes no sense: " + e, e);
        }
        if (failure.exact() == null) {
            if (failure.whyNot() != null) {
                standIn.addSuppressed(
                        new TaskSerializationException("exception cannot travel home: " + failure.whyNot(), null));
            }
            return standIn;
        }
        try {
            Throwable exact =
                    Objects.requireNonNull(read(Throwable.class, failure.exact(), failure.exact().length, reading));
            if (Throwables.isSound(exact)) {
                return exact;
            }
            standIn.addSuppressed(new TaskSerializationException(
                    "exception refused: methods of its own fail, such as getMessage, toString or getCause", null));
            return standIn;
        } catch (Unreadable e) {
            standIn.addSuppressed(
                    new TaskSerializationException("exception refused: " + e.getMessage(), e.getCause()));
            return standIn;
        }
    }

    /**
     * Returns an exception that can be the cause of another: itself, or a description if its own methods would fail.
     */
    public static Throwable printable(Throwable failure) {
        return Throwables.isSound(failure) ? failure : Description.of(failure, 0).toException();
    }

    private static <V> @Nullable V read(Class<V> type, byte[] message, int length, Reading reading) throws Unreadable {
        if (!isJavaStream(message, length)) {
            return readCompact(type, message, length, reading);
        }
        AllowList.Filter filter = Objects.requireNonNull(reading.allowed).filterFor(length, reading.effort);
        try (var in =
                new LoaderStream(new ByteArrayInputStream(message, 0, length), reading.loader(), reading.effort)) {
            if (reading.effort != null) {
                ExpandedSize.ensure(message, length, reading.effort.most());
            }
            in.setObjectInputFilter(filter);
            return type.cast(reading.read(in::readObject));
        } catch (Throwable e) { // classes can throw anything when they are read
            String refusal = filter.refusal();
            throw new Unreadable(refusal != null ? refusal : reason(e), e);
        }
    }

    private static <V> @Nullable V readCompact(Class<V> type, byte[] message, int length, Reading reading)
            throws Unreadable {
        try {
            return type.cast(new CompactReader(message, length, reading, null).readAll());
        } catch (InvalidClassException e) {
            throw new Unreadable(String.valueOf(e.getMessage()), e);
        } catch (Throwable e) { // records can throw anything when they are made
            throw new Unreadable(reason(e), e);
        }
    }

    /** Thrown if a message could not be read, or was refused; the text is for users. */
    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1L;
        private final Throwable reason;

        Unreadable(String message, Throwable reason) {
            super(message, null, false, false);
            this.reason = printable(reason);
        }

        @Override
        public Throwable getCause() {
            return reason;
        }
    }

    /** An encoded failure, or why it cannot be encoded; with the results of the items before it, if any. */
    private record Failure(
            byte @Nullable [] exact, Description described, @Nullable String whyNot, byte @Nullable [] finished)
            implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** Describes an exception that cannot be decoded itself. Consists of strings alone. */
    private record Description(
            String className, String text, StackTraceElement[] stack, @Nullable Description cause)
            implements Serializable {
        private static final long serialVersionUID = 1L;
        private static final int DEEPEST = 32;

        static Description of(Throwable failure, int depth) {
            Throwable cause = Throwables.cause(failure);
            return new Description(
                    failure.getClass().getName(),
                    Throwables.text(failure),
                    Throwables.stack(failure),
                    cause == null || depth == DEEPEST ? null : of(cause, depth + 1));
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

    /** Remembers the last lambda that it wrote: its captured values show which value could not be written. */
    private static final class LambdaNoticingStream {
        private final OutputStream target;
        /**
         * Null if it is no task. A task is read by a {@link TaskStream}, and each class is written with the number of
         * its loader.
         */
        private final @Nullable AllowList sent;
        private @Nullable SerializedLambda lambda;

        LambdaNoticingStream(OutputStream target) {
            this(target, null);
        }

        /**
         * Writes a task.
         *
         * @param sent gets the classes of what is written
         */
        LambdaNoticingStream(OutputStream target, @Nullable AllowList sent) {
            this.target = target;
            this.sent = sent;
        }

        /**
         * Writes a value; returns the objects that move with it. They count as given away from here on, unless the
         * value cannot be written.
         */
        List<Movable> write(@Nullable Object value) throws IOException {
            List<Movable> given = new ArrayList<>();
            boolean isWritten = false;
            try {
                ScopedValue.where(Movable.WRITTEN, given).call(() -> writeObject(value));
                isWritten = true;
                return given;
            } finally {
                if (!isWritten) {
                    given.forEach(Movable::isNotSent);
                }
            }
        }

        private @Nullable Void writeObject(@Nullable Object value) throws IOException {
            try (var out = new ObjectOutputStream(target) {
                {
                    enableReplaceObject(true);
                }

                /** Called once for each class in the stream. */
                @Override
                protected void annotateClass(Class<?> type) throws IOException {
                    if (sent == null) {
                        return;
                    }
                    sent.allowBeside(AllowList.elementOf(type));
                    int loader = LoaderNumbers.of(type);
                    if (loader != ParentClasses.SYSTEM) {
                        writeInt(loader);
                    }
                }

                @Override
                protected void annotateProxyClass(Class<?> type) throws IOException {
                    annotateClass(type);
                }

                @Override
                protected @Nullable Object replaceObject(@Nullable Object object) throws IOException {
                    if (object instanceof SerializedLambda noticed) {
                        lambda = noticed;
                    }
                    return switch (object) {
                        case null -> null;
                        case MemorySegment segment -> SegmentForm.addressOf(segment);
                        default -> ValueForms.standIn(object);
                    };
                }
            }) {
                out.writeObject(value);
                return null;
            }
        }
    }

    /** Reads a task, whose classes may be of several of the parent's loaders. */
    private static final class TaskStream extends ObjectInputStream {
        private final Reading reading;
        /** Whether lambdas are made without the help of their classes. */
        private final boolean relocated;
        /** The class that was found last, which a filter may refuse. */
        private @Nullable Class<?> last;

        TaskStream(InputStream in, Reading reading, boolean relocated) throws IOException {
            super(in);
            this.reading = reading;
            this.relocated = relocated;
        }

        @Override
        protected Class<?> resolveClass(ObjectStreamClass description) throws IOException, ClassNotFoundException {
            Class<?> found = find(description);
            last = found;
            return found;
        }

        private Class<?> find(ObjectStreamClass description) throws IOException, ClassNotFoundException {
            String name = description.getName();
            if (relocated && name.equals(dev.sennit.codec.SerializedLambda.NAME)) {
                return dev.sennit.codec.SerializedLambda.class;
            }
            if (available() > 0) { // as the writer annotated it
                return reading.find(readInt(), name);
            }
            try {
                return reading.find(name);
            } catch (ClassNotFoundException e) {
                return primitiveOr(e, description);
            }
        }

        private Class<?> primitiveOr(ClassNotFoundException otherwise, ObjectStreamClass description)
                throws IOException, ClassNotFoundException {
            try {
                return super.resolveClass(description);
            } catch (ClassNotFoundException e) {
                throw otherwise; // may say why
            }
        }

        @Override
        protected Class<?> resolveProxyClass(String[] interfaces) throws IOException, ClassNotFoundException {
            if (available() == 0) {
                return super.resolveProxyClass(interfaces);
            }
            ClassLoader loader = reading.named(readInt());
            Class<?>[] types = new Class<?>[interfaces.length];
            for (int i = 0; i < types.length; i++) {
                types[i] = Class.forName(interfaces[i], false, loader);
            }
            return Proxy.newProxyInstance(loader, types, (proxy, method, arguments) -> null).getClass();
        }
    }

    /** Finds classes through a given loader. */
    private static final class LoaderStream extends ObjectInputStream {
        private final ClassLoader loader;
        private final @Nullable Effort effort;

        LoaderStream(InputStream in, ClassLoader loader, @Nullable Effort effort) throws IOException {
            super(in);
            this.loader = loader;
            this.effort = effort;
            if (effort != null) {
                enableResolveObject(true);
            }
        }

        /** Called before each object is stored, perhaps in a hash table. */
        @Override
        protected Object resolveObject(Object object) {
            if (effort != null) {
                effort.step();
            }
            return object;
        }

        @Override
        protected Class<?> resolveClass(ObjectStreamClass description) throws IOException, ClassNotFoundException {
            try {
                return Class.forName(description.getName(), false, loader);
            } catch (ClassNotFoundException e) {
                return super.resolveClass(description); // primitives, and classes of this library
            }
        }
    }
}
