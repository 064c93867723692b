package dev.sennit.manager.wire;

import org.jspecify.annotations.Nullable;

/** The calls of a {@code RemoteList}. */
public interface ListOperations {
    /** Stands for any version. */
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

    /** Returns the last element; throws {@link java.util.NoSuchElementException} if there is none. */
    @Nullable Object getLast();

    @Nullable Object removeLast();

    void clear();

    int indexOf(@Nullable Object element);

    int lastIndexOf(@Nullable Object element);

    /** Returns the elements of a range, as far as it exists, after two Longs: the version and the shape of the list. */
    @Nullable Object[] snapshot(int from, int to);

    /**
     * Replaces a range of the list. Makes a new version, and a new shape if elements behind the range move. Returns
     * false if the list has another version or shape.
     */
    boolean splice(long version, long shape, int from, int to, @Nullable Object[] elements);
}
