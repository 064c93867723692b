package dev.sennit;

import java.io.Serializable;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Carries context from the thread that submits a task to the thread that runs it: the diagnostic context of a logger, the
 * identifier of a trace, a thread local, a {@link ScopedValue}.
 *
 * <p>A context is registered once for the whole JVM. From then on each {@code submit}, {@code fork} and {@code map} of every
 * kind of pool asks it for a value in the calling thread ({@link #capture}), and each task runs inside of {@link #around} in
 * its worker, every attempt of a task that is tried again included.
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
 * <p>A context that is {@link Serializable} travels with the tasks of {@code processes}, together with the captured value, which
 * has to be serializable too; otherwise {@code submit} throws a {@link TaskSerializationException}. A worker needs no
 * registration for it. A context that is not serializable stays in this JVM: tasks of {@code processes} run without it. What a
 * task changes in its context in a worker process is not seen by the submitter.
 *
 * <p>A registration counts for the JVM that made it. Tasks that open pools of their own in a worker process register there, in
 * the pool's initializer for instance.
 *
 * <h2>What carries no context</h2>
 *
 * <p>Runs of a {@link PeriodicWorker}, which nobody submits; callbacks of a {@link TaskFuture}; actors; processes of one's own.
 *
 * @param <C> what is captured
 */
public interface TaskContext<C> {

    /**
     * Takes the context of the calling thread. Called in the submitting thread by each {@code submit}, before the task is admitted,
     * and once for each chunk of a {@code map}. It should be quick. What it throws comes out of {@code submit}, and there is no task then.
     *
     * @return what the task gets; null if there is nothing to carry, which costs the task nothing
     */
    @Nullable C capture();

    /**
     * Runs a task in its context. Called in the thread that runs the task; it restores what that thread had before. An exception
     * of its own fails this task alone.
     *
     * @param captured what {@link #capture} returned; in a worker process a copy of it
     * @param body the task, to be called exactly once
     * @param <T> the type of the result
     * @return what the body returned
     * @throws Exception what the body threw, as it is
     */
    <T extends @Nullable Object> T around(C captured, Callable<T> body) throws Exception;

    /**
     * Carries a context with every task that is submitted in this JVM from now on. The context that was registered first is the
     * outermost. The same context registered twice counts twice.
     *
     * @param context what captures and restores
     * @return the registration, which ends when it is closed
     */
    static Registration register(TaskContext<?> context) {
        return TaskContexts.register(context);
    }

    /**
     * A context of one thread local, into every kind of pool. A thread without a value, or with null, has nothing to carry.
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
     * A context of one scoped value, into every kind of pool. Where it is not bound there is nothing to carry.
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
     * A context of several scoped values inside of this JVM: tasks of {@code processes} run without them. Those that are not bound
     * are left out.
     *
     * @param values what is carried
     * @return a context to be registered
     */
    static TaskContext<?> of(ScopedValue<?>... values) {
        return new LocalScopedValues(values);
    }

    /**
     * Names a thread local or a scoped value by the constant that holds it. Neither of them can travel, but a lambda that reads a
     * static field can.
     *
     * @param <H> what the constant holds
     */
    @FunctionalInterface
    interface Constant<H> extends Serializable {
        /**
         * Reads the constant.
         *
         * @return always the same object in one JVM
         */
        H get();
    }

    /** A registered context. */
    interface Registration extends AutoCloseable {
        /** Ends the registration. Tasks that were submitted before keep their context. Closing it again does nothing. */
        @Override
        void close();
    }
}
