package dev.sennit;

import java.io.Serializable;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Carries context from the thread that submits a task to the thread that runs it: the diagnostic context of a logger,
 * the identifier of a trace, a thread local, a {@link ScopedValue}.
 *
 * <p>A context is registered once for the whole JVM. From then on each {@code submit}, {@code fork} and {@code map} of
 * every kind of pool captures a value in the calling thread ({@link #capture}), and each task, or each attempt of a
 * task with a retry, runs inside {@link #around} in its worker.
 *
 * {@snippet :
 *     record Tenant() implements TaskContext<String>, java.io.Serializable {
 *         static final ThreadLocal<String> CURRENT = new ThreadLocal<>();
 *
 *         @Override
 *         public String capture() {
 *             return CURRENT.get();
 *         }
 *
 *         @Override
 *         public <T> T around(String captured, java.util.concurrent.Callable<T> body) throws Exception {
 *             String before = CURRENT.get();
 *             CURRENT.set(captured);
 *             try {
 *                 return body.call();
 *             } finally {
 *                 CURRENT.set(before);
 *             }
 *         }
 *     }
 *
 *     try (Pool pool = Pools.open("processes:1");
 *             var _ = TaskContext.register(new Tenant())) {
 *         Tenant.CURRENT.set("blue");
 *         System.out.println(pool.submit(() -> Tenant.CURRENT.get()).join()); // blue
 *     }
 * }
 *
 * <p>{@link #threadLocal} and {@link #scopedValue} are contexts of one thread local and of one scoped value.
 *
 * <h2>Worker processes</h2>
 *
 * <p>A context that is {@link Serializable} is sent with the tasks of {@code processes}, together with the captured
 * value, which must be serializable too; otherwise {@code submit} throws a {@link TaskSerializationException}. A worker
 * needs no registration for it. A context that is not serializable stays in this JVM: tasks of {@code processes} run
 * without it. The submitter does not see changes that a task makes to its context in a worker process.
 *
 * <p>A registration is valid in the JVM that made it. Tasks that open pools of their own in a worker process need a
 * registration there, for example in the pool's initializer.
 *
 * <h2>Code without context</h2>
 *
 * <p>Runs of a {@link PeriodicWorker}, which no caller submits; callbacks of a {@link TaskFuture}; actors; worker
 * processes outside pools.
 *
 * @param <C> the type of the captured value
 */
public interface TaskContext<C> {

    /**
     * Captures the context of the calling thread. Called in the submitting thread by each {@code submit}, before the
     * task is admitted, and once for each chunk of a {@code map}. It should be quick. An exception of this method is
     * thrown by {@code submit}, and the task is not admitted.
     *
     * @return the captured value; null if there is no context to carry, which costs the task nothing
     */
    @Nullable C capture();

    /**
     * Runs a task in its context. Called in the thread that runs the task; it must restore the thread's own context
     * afterwards. An exception of its own fails only this task.
     *
     * @param captured the value that {@link #capture} returned; in a worker process a copy of it
     * @param body the task, to be called exactly once
     * @param <T> the type of the result
     * @return the value that the body returned
     * @throws Exception the exception that the body threw, as it is
     */
    <T extends @Nullable Object> T around(C captured, Callable<T> body) throws Exception;

    /**
     * Registers a context, which every task submitted in this JVM from now on carries. The context registered first is
     * the outermost. A context registered twice is carried twice.
     *
     * @param context the context
     * @return the registration, which ends when it is closed
     */
    static Registration register(TaskContext<?> context) {
        return TaskContexts.register(context);
    }

    /**
     * Returns a context of a thread local, for every kind of pool. A value of null is not carried.
     *
     * {@snippet :
     *     class Trace {
     *         static final ThreadLocal<String> ID = new ThreadLocal<>();
     *     }
     *     TaskContext.register(TaskContext.threadLocal(() -> Trace.ID));
     * }
     *
     * @param constant returns the thread local, from a static field if tasks leave this JVM
     * @param <V> the type of its value, serializable if tasks leave this JVM
     * @return a context to be registered
     */
    static <V> TaskContext<V> threadLocal(Constant<ThreadLocal<V>> constant) {
        return new ThreadLocalContext<>(Objects.requireNonNull(constant, "constant"));
    }

    /**
     * Returns a context of a scoped value, for every kind of pool. A scoped value that is not bound is not carried.
     *
     * {@snippet :
     *     class Request {
     *         static final ScopedValue<String> USER = ScopedValue.newInstance();
     *     }
     *     try (Pool pool = Pools.open("threads:1");
     *             var _ = TaskContext.register(TaskContext.scopedValue(() -> Request.USER))) {
     *         ScopedValue.where(Request.USER, "Ada")
     *                 .run(() -> System.out.println(pool.submit(() -> Request.USER.get()).join())); // Ada
     *     }
     * }
     *
     * @param constant returns the scoped value, from a static field if tasks leave this JVM
     * @param <V> the type of its value, serializable if tasks leave this JVM
     * @return a context to be registered
     */
    static <V> TaskContext<V> scopedValue(Constant<ScopedValue<V>> constant) {
        return new ScopedValueContext<>(Objects.requireNonNull(constant, "constant"));
    }

    /**
     * Returns a context of several scoped values, inside this JVM: tasks of {@code processes} run without them. Scoped
     * values that are not bound are not carried.
     *
     * @param values the scoped values
     * @return a context to be registered
     */
    static TaskContext<?> of(ScopedValue<?>... values) {
        return new LocalScopedValues(values);
    }

    /**
     * Names a thread local or a scoped value by the constant that holds it. Neither can be serialized, but a lambda
     * that reads a static field can.
     *
     * @param <H> the type of the constant
     */
    @FunctionalInterface
    interface Constant<H> extends Serializable {
        /**
         * Reads the constant.
         *
         * @return always the same object within a JVM
         */
        H get();
    }

    /** A registered context. */
    interface Registration extends AutoCloseable {
        /**
         * Ends the registration. Tasks that were submitted before keep their context. Closing it again does nothing.
         */
        @Override
        void close();
    }
}
