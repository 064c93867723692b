package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * Why an item left a {@link Pipeline} before its end.
 *
 * @param item what the source gave
 * @param index its number, from 0 on, in the order of the source
 * @param stage the name of the stage it failed in
 * @param cause what the function threw; or why it could not run, or did not come to its end: the crash of a worker process, a
 *     time limit, a value that cannot travel, a pool that is shut down
 * @param <S> the type of the source's items
 */
public record PipelineFailure<S extends @Nullable Object>(S item, long index, String stage, Throwable cause) {}
