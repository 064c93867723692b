package dev.sennit.queue;

import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.QueuedTask;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A kind of task: a name that submitters and workers agree on, the class of the argument, and the code.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 *
 * record Photo(String path, int width) {}
 *
 * TaskType<Photo, String> make = TaskType.of("thumbs.make", Photo.class, photo -> photo.path() + ".thumb");
 * }
 *
 * <p>Arguments and results travel as JSON. A reader passes over fields that it does not know, and refuses JSON without
 * a field that it needs: so a new submitter may add fields, and old workers still run its tasks. When the meaning of an
 * argument changes, the type gets a new {@link #version}: workers take only the versions they know, so old and new ones
 * run beside each other while programs are replaced.
 *
 * <p>A submitter that does not have the code makes the type by {@link #named}.
 *
 * @param <A> the type of the argument
 * @param <R> the type of the result
 */
public final class TaskType<A extends @Nullable Object, R extends @Nullable Object> {
    private final String name;
    private final int version;
    private final Type argument;
    private final Type result;
    /** Null if the code is elsewhere; of a {@link TaskHandler}, a {@link WithoutContext}. */
    private final @Nullable ContextTaskHandler<A, R> handler;

    private final SubmitOptions options;

    private TaskType(String name, int version, Type argument, Type result, @Nullable ContextTaskHandler<A, R> handler,
            SubmitOptions options) {
        if (name.isBlank() || name.length() > 150 || name.contains("@")) {
            throw new IllegalArgumentException(
                    "the name of a task type must have 1 to 150 characters and no @, was \"" + name + "\"");
        }
        if (version < 1) {
            throw new IllegalArgumentException("version must be >= 1, was " + version);
        }
        this.name = name;
        this.version = version;
        this.argument = Objects.requireNonNull(argument, "argument");
        this.result = Objects.requireNonNull(result, "result");
        this.handler = handler;
        this.options = options;
    }

    /**
     * Returns a task type of version 1. The class of its result is that which the handler was written with.
     *
     * @param name the name, such as {@code thumbs.make}
     * @param argument the class of the argument; {@code Void.class} for none
     * @param handler the code
     * @param <A> the type of the argument
     * @param <R> the type of the result
     * @return the type
     * @throws IllegalArgumentException if the name is blank, longer than 150 characters, or contains an @
     */
    public static <A extends @Nullable Object, R extends @Nullable Object> TaskType<A, R> of(
            String name, Class<A> argument, TaskHandler<A, R> handler) {
        Objects.requireNonNull(handler, "handler");
        return new TaskType<>(name, 1, argument, resultOf(handler), new WithoutContext<>(handler), SubmitOptions.NONE);
    }

    /**
     * Returns a task type of version 1 whose code wants to know of its run.
     *
     * @param name the name, such as {@code thumbs.make}
     * @param argument the class of the argument; {@code Void.class} for none
     * @param handler the code
     * @param <A> the type of the argument
     * @param <R> the type of the result
     * @return the type
     * @throws IllegalArgumentException if the name is blank, longer than 150 characters, or contains an @
     */
    public static <A extends @Nullable Object, R extends @Nullable Object> TaskType<A, R> of(
            String name, Class<A> argument, ContextTaskHandler<A, R> handler) {
        Objects.requireNonNull(handler, "handler");
        return new TaskType<>(name, 1, argument, resultOf(handler), handler, SubmitOptions.NONE);
    }

    /**
     * Returns a task type whose code is elsewhere: to submit tasks, and to get their results.
     *
     * @param name the name
     * @param argument the class of the argument
     * @param result the class of the result
     * @param <A> the type of the argument
     * @param <R> the type of the result
     * @return the type
     */
    public static <A extends @Nullable Object, R extends @Nullable Object> TaskType<A, R> named(
            String name, Class<A> argument, Class<R> result) {
        return new TaskType<>(name, 1, argument, result, null, SubmitOptions.NONE);
    }

    /**
     * Returns a task type of version 1 that takes a list: the results of a group, for example.
     *
     * @param name the name, such as {@code words.sum}
     * @param element the class of the elements
     * @param handler the code
     * @param <E> the type of the elements
     * @param <R> the type of the result
     * @return the type
     * @throws IllegalArgumentException if the name is blank, longer than 150 characters, or contains an @
     */
    public static <E extends @Nullable Object, R extends @Nullable Object> TaskType<List<E>, R> ofList(
            String name, Class<E> element, TaskHandler<List<E>, R> handler) {
        Objects.requireNonNull(handler, "handler");
        return new TaskType<>(name, 1, new ListOf(element), resultOf(handler), new WithoutContext<>(handler),
                SubmitOptions.NONE);
    }

    /**
     * Returns a task type of version 1 from a list to a list, for {@link Workflow#chunks}.
     *
     * @param name the name, such as {@code rows.check}
     * @param element the class of the elements of the argument
     * @param resultElement the class of the elements of the result
     * @param handler the code
     * @param <E> the type of the elements of the argument
     * @param <R> the type of the elements of the result
     * @return the type
     * @throws IllegalArgumentException if the name is blank, longer than 150 characters, or contains an @
     */
    public static <E extends @Nullable Object, R extends @Nullable Object> TaskType<List<E>, List<R>> ofList(
            String name, Class<E> element, Class<R> resultElement, TaskHandler<List<E>, List<R>> handler) {
        Objects.requireNonNull(handler, "handler");
        return new TaskType<>(name, 1, new ListOf(element), new ListOf(resultElement), new WithoutContext<>(handler),
                SubmitOptions.NONE);
    }

    /**
     * Returns this type with another version. A worker that is to run both versions registers both types.
     *
     * @param number the version, 1 or more
     * @return the type
     */
    public TaskType<A, R> version(int number) {
        return new TaskType<>(name, number, argument, result, handler, options);
    }

    /**
     * Returns this type with generic classes, which a {@code Class} cannot tell: {@code List<Photo>}.
     *
     * @param argumentType the type of the argument
     * @param resultType the type of the result
     * @return the type
     */
    public TaskType<A, R> types(Type argumentType, Type resultType) {
        return new TaskType<>(name, version, argumentType, resultType, handler, options);
    }

    /**
     * Returns this type with options for each of its tasks, where the submitter gives none.
     *
     * @param usual the options
     * @return the type
     */
    public TaskType<A, R> options(SubmitOptions usual) {
        return new TaskType<>(name, version, argument, result, handler, Objects.requireNonNull(usual, "options"));
    }

    /**
     * Returns the name.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Returns the version.
     *
     * @return the version, 1 or more
     */
    public int version() {
        return version;
    }

    /**
     * Returns the name by which brokers know it: the name, and behind an @ the version if it is not 1.
     *
     * @return for example {@code thumbs.make@2}
     */
    public String key() {
        return version == 1 ? name : name + "@" + version;
    }

    /**
     * Returns whether this program has the code, and so can run its tasks.
     *
     * @return false if it was made by {@link #named}
     */
    public boolean hasCode() {
        return handler != null;
    }

    /**
     * Returns a task as brokers keep it.
     *
     * @param value the argument
     * @param chosen how it is to be run
     * @return a builder of the task, with a new id
     * @throws TaskDataException if the argument cannot be written as JSON
     */
    public QueuedTask.Builder task(A value, SubmitOptions chosen) {
        QueuedTask.Builder task = QueuedTask.of(key(), Payloads.write("the argument of " + name, value))
                .version(version);
        chosen.over(options).applyTo(task);
        return task;
    }

    /** Returns a claim with the options of this type, where the submitter did not know of such. */
    Claim completed(Claim claim) {
        if (!claim.task().headers().containsKey(QueuedTask.FOREIGN)) {
            return claim;
        }
        QueuedTask task = claim.task();
        QueuedTask.Builder more = task.toBuilder();
        if (options.retry() != null) {
            more.retry(options.retry());
        }
        if (task.softLimit() == null && task.hardLimit() == null) {
            more.softLimit(options.softLimit()).hardLimit(options.hardLimit());
        }
        return new Claim(claim.token(), more.build(), claim.failures(), claim.crashes(), claim.enqueuedAt(),
                claim.checkpoint(), claim.inputs());
    }

    /** Returns the code; only if there is some. */
    ContextTaskHandler<A, R> handler() {
        return Objects.requireNonNull(handler, "the code of " + name + " is elsewhere");
    }

    /** Returns the type of the argument. */
    Type argumentType() {
        return argument;
    }

    /** Reads a result. */
    @SuppressWarnings({"unchecked", "NullAway"}) // as its type says
    R readResult(byte[] json) {
        return (R) Payloads.read("the result of " + name, json, result);
    }

    @Override
    public String toString() {
        return "task type " + key();
    }

    private static Type resultOf(Serializable handler) {
        for (Type each : handler.getClass().getGenericInterfaces()) {
            if (each instanceof ParameterizedType generic
                    && (generic.getRawType() == TaskHandler.class || generic.getRawType() == ContextTaskHandler.class)
                    && (generic.getActualTypeArguments()[1] instanceof Class<?>
                            || generic.getActualTypeArguments()[1] instanceof ParameterizedType)) {
                return generic.getActualTypeArguments()[1];
            }
        }
        SerializedLambda written = LambdaReader.read(handler);
        if (written == null) {
            return Object.class;
        }
        Class<?> type = MethodType.fromMethodDescriptorString(written.getInstantiatedMethodType(),
                handler.getClass().getClassLoader()).returnType();
        return type == void.class ? Void.class : type;
    }

    /** Runs a handler that asks for no context. */
    private record WithoutContext<A extends @Nullable Object, R extends @Nullable Object>(
            TaskHandler<A, R> handler) implements ContextTaskHandler<A, R> {
        @Override
        public R run(A argument, RunContext context) throws Exception {
            return handler.run(argument);
        }
    }

    /** The type {@code List<E>}. */
    private record ListOf(Type element) implements ParameterizedType {
        @Override
        public Type[] getActualTypeArguments() {
            return new Type[] {element};
        }

        @Override
        public Type getRawType() {
            return List.class;
        }

        @Override
        public @Nullable Type getOwnerType() {
            return null;
        }

        @Override
        public String getTypeName() {
            return "List<" + element.getTypeName() + ">";
        }
    }

    /** Finds out what a lambda was compiled from: serialization may ask it, where reflection may not. */
    private static final class LambdaReader extends ObjectOutputStream {
        private @Nullable SerializedLambda found;

        private LambdaReader() throws IOException {
            super(OutputStream.nullOutputStream());
            enableReplaceObject(true);
        }

        static @Nullable SerializedLambda read(Serializable lambda) {
            if (!lambda.getClass().isHidden() && !lambda.getClass().isSynthetic()) {
                return null;
            }
            try (var reader = new LambdaReader()) {
                reader.writeObject(lambda);
                return reader.found;
            } catch (IOException e) { // it has captured what cannot travel: a worker in this JVM can still run it
                return null;
            }
        }

        @Override
        protected @Nullable Object replaceObject(Object object) {
            if (object instanceof SerializedLambda written) {
                found = written;
                return null; // nothing that it has captured is written
            }
            return object;
        }
    }
}
