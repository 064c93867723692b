package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * The failure of an item in a {@link Pipeline}.
 *
 * @param item the item of the source
 * @param index its number, from 0 on, in the order of the source
 * @param stage the name of the stage it failed in
 * @param cause the exception that the function threw, or why it did not run or did not complete: the crash of a worker
 *     process, a time limit, a value that cannot travel, a pool that is shut down
 * @param <S> the type of the source's items
 */
public record PipelineFailure<S extends @Nullable Object>(S item, long index, String stage, Throwable cause) {}
