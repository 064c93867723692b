package dev.sennit.manager.wire;

import org.jspecify.annotations.Nullable;

/** What a {@code RemoteList} calls. */
public interface ListOperations {
    /** A version that none has: whichever it is will do. */
    long ANY = -1;

    int size();

    @Nullable Object get(int index);

    @Nullable Object set(int index, @Nullable Object element);

    void append(@Nullable Object element);

    void add(int index, @Nullable Object element);

    void addAll(int index, @Nullable Object[] elements);

    void appendAll(@Nullable Object[] elements);

    @Nullable Object remove(int index);

    boolean removeFirst(@Nullable Object element);

    /** The last element; throws {@link java.util.NoSuchElementException} if there is none. */
    @Nullable Object getLast();

    @Nullable Object removeLast();

    void clear();

    int indexOf(@Nullable Object element);

    int lastIndexOf(@Nullable Object element);

    /** What is in a range of it, as much as there is, after two elements, Longs: its version, and its shape. */
    @Nullable Object[] snapshot(int from, int to);

    /** Replaces a range of it, which makes the next version, and the next shape if it moves what is behind; false if either is another. */
    boolean splice(long version, long shape, int from, int to, @Nullable Object[] elements);
}
