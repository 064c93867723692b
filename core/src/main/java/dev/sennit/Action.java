package dev.sennit;

import java.io.Serializable;

/**
 * A piece of work without a result that may leave this JVM: a {@link Runnable} that is {@link Serializable}.
 *
 * <p>The counterpart of {@link Task} for lambdas that return nothing. As with {@link Runnable}, the body may not throw
 * checked exceptions; write it as a {@link Task} that returns {@code null} when it has to.
 */
@FunctionalInterface
public interface Action extends Runnable, Serializable {}
