package dev.sennit.process;

import org.jspecify.annotations.Nullable;

/** What a {@link RemoteList} calls. */
interface ListOperations {
    int size();

    @Nullable Object get(int index);

    @Nullable Object set(int index, @Nullable Object element);

    void append(@Nullable Object element);

    void add(int index, @Nullable Object element);

    void addAll(int index, @Nullable Object[] elements);

    void appendAll(@Nullable Object[] elements);

    @Nullable Object remove(int index);

    boolean removeFirst(@Nullable Object element);

    void removeRange(int from, int to);

    int indexOf(@Nullable Object element);

    int lastIndexOf(@Nullable Object element);

    /** What is in it, after one element that tells the version: a Long. */
    @Nullable Object[] snapshot();

    /** Replaces all that is in it, if it has not changed since that version. */
    boolean replace(long version, @Nullable Object[] elements);
}
