package dev.sennit;

import java.io.Serializable;
import java.util.concurrent.Callable;

/**
 * A piece of work with a result that may leave this JVM: a {@link Callable} that is {@link Serializable}.
 *
 * <p>{@link Pool#submit(Task)} is more specific than {@link Pool#submit(Callable)}, so the compiler picks it for every
 * lambda and method reference, and makes the lambda serializable:
 *
 * {@snippet :
 * try (Pool pool = Pools.open("processes:2")) {
 *     int size = 40;
 *     TaskFuture<Integer> answer = pool.submit(() -> size + 2);
 *     System.out.println(answer.join());
 * }
 * }
 *
 * <p>A task that runs in another process works on a copy of the objects it captured, made when it was submitted. The
 * submitter does not see changes to the copy: return them instead.
 *
 * @param <T> the type of the result
 */
@FunctionalInterface
public interface Task<T extends @org.jspecify.annotations.Nullable Object> extends Callable<T>, Serializable {}
