package dev.sennit.manager;

import dev.sennit.internal.SnapshotSpliterator;
import dev.sennit.manager.wire.ListOperations;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.ConcurrentModificationException;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.ListIterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Spliterator;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A list in a manager, or a view of such a list: the methods that work on a snapshot.
 *
 * <p>A snapshot has the version of the list. The result of a function is put into the list if the list has not changed
 * meanwhile; otherwise the function is applied again. An iterator may change the list until another caller adds or
 * removes an element, which would move the iterator's positions; then it throws
 * {@link ConcurrentModificationException}.
 */
abstract class RemoteElements<E extends @Nullable Object> extends AbstractList<E> {
    private static final Object[] NOTHING = {};

    /**
     * The elements of a list, or of a view of it.
     *
     * @param version how many times the list had been changed, or {@link ListOperations#ANY}
     * @param shape how many times elements had been added or removed
     * @param elements a copy of the elements
     */
    record Snapshot<E extends @Nullable Object>(long version, long shape, List<E> elements) {}

    /** Returns the elements of a range of this list, as far as it exists. */
    abstract Snapshot<E> snapshot(int from, int to);

    /** Replaces a range of a snapshot; returns false if the list has another version, or shape, by now. */
    abstract boolean splice(Snapshot<E> seen, int from, int to, @Nullable Object[] replacement);

    /** Inserts elements at an index. */
    abstract void insert(int index, @Nullable Object[] elements);

    private Snapshot<E> snapshot() {
        return snapshot(0, Integer.MAX_VALUE);
    }

    /** Changes the list by a function. Returns whether its size has changed. */
    private boolean change(UnaryOperator<List<E>> change) {
        while (true) {
            Snapshot<E> before = snapshot();
            int size = before.elements.size();
            List<E> after = change.apply(new ArrayList<>(before.elements));
            if (splice(before, 0, size, after.toArray())) {
                return after.size() != size;
            }
        }
    }

    @Override
    public void add(int index, E element) {
        insert(index, new @Nullable Object[] {element});
    }

    @Override
    public boolean add(E element) {
        insert(size(), new @Nullable Object[] {element});
        return true;
    }

    @Override
    public boolean addAll(int index, Collection<? extends E> elements) {
        @Nullable Object[] more = elements.toArray();
        insert(index, more);
        return more.length > 0;
    }

    @Override
    public boolean addAll(Collection<? extends E> elements) {
        return addAll(size(), elements);
    }

    @Override
    public void clear() {
        change(before -> Collections.emptyList());
    }

    @Override
    public boolean contains(@Nullable Object element) {
        return indexOf(element) >= 0;
    }

    @Override
    public boolean containsAll(Collection<?> others) {
        return new HashSet<@Nullable Object>(snapshot().elements).containsAll(others);
    }

    @Override
    public Object[] toArray() {
        return snapshot().elements.toArray();
    }

    @Override
    public <T> T[] toArray(T[] target) {
        return snapshot().elements.toArray(target);
    }

    @Override
    public void sort(@Nullable Comparator<? super E> order) {
        change(elements -> {
            elements.sort(order);
            return elements;
        });
    }

    @Override
    public void replaceAll(UnaryOperator<E> function) {
        Objects.requireNonNull(function, "function");
        change(elements -> {
            elements.replaceAll(function);
            return elements;
        });
    }

    @Override
    public boolean removeIf(Predicate<? super E> condition) {
        Objects.requireNonNull(condition, "condition");
        return change(elements -> elements.stream().filter(condition.negate()).toList());
    }

    @Override
    public boolean removeAll(Collection<?> others) {
        Objects.requireNonNull(others, "others");
        return removeIf(others::contains);
    }

    @Override
    public boolean retainAll(Collection<?> others) {
        Objects.requireNonNull(others, "others");
        return removeIf(element -> !others.contains(element));
    }

    // ---- iteration ----

    @Override
    public Iterator<E> iterator() {
        return listIterator(0);
    }

    /**
     * Returns an iterator over a snapshot. Its changes go to the list, unless another caller has moved elements since.
     */
    @Override
    public ListIterator<E> listIterator(int index) {
        Snapshot<E> seen = snapshot();
        if (index < 0 || index > seen.elements.size()) {
            throw new IndexOutOfBoundsException("index must be from 0 to " + seen.elements.size() + ", was " + index);
        }
        return new SnapshotIterator(seen, index);
    }

    /** Returns a spliterator over a snapshot, which is taken at its first use. */
    @Override
    public Spliterator<E> spliterator() {
        return new SnapshotSpliterator<>(this::iterator, Spliterator.ORDERED);
    }

    private final class SnapshotIterator implements ListIterator<E> {
        private final List<E> elements;
        private long shape;
        private int next;
        /** The index of the element returned last, or -1 if it may not be changed. */
        private int last = -1;

        SnapshotIterator(Snapshot<E> seen, int index) {
            elements = new ArrayList<>(seen.elements);
            shape = seen.shape;
            next = index;
        }

        @Override
        public boolean hasNext() {
            return next < elements.size();
        }

        @Override
        public boolean hasPrevious() {
            return next > 0;
        }

        @Override
        public int nextIndex() {
            return next;
        }

        @Override
        public int previousIndex() {
            return next - 1;
        }

        @Override
        public E next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            last = next++;
            return elements.get(last);
        }

        @Override
        public E previous() {
            if (!hasPrevious()) {
                throw new NoSuchElementException();
            }
            last = --next;
            return elements.get(last);
        }

        @Override
        public void set(E element) {
            ensureReturned();
            replace(last, last + 1, new @Nullable Object[] {element});
            elements.set(last, element);
        }

        @Override
        public void remove() {
            ensureReturned();
            replace(last, last + 1, NOTHING);
            elements.remove(last);
            next = last;
            last = -1;
        }

        @Override
        public void add(E element) {
            replace(next, next, new @Nullable Object[] {element});
            elements.add(next++, element);
            last = -1;
        }

        private void ensureReturned() {
            if (last < 0) {
                throw new IllegalStateException("neither next nor previous was called since the last remove or add");
            }
        }

        private void replace(int from, int to, @Nullable Object[] replacement) {
            if (!splice(new Snapshot<>(ListOperations.ANY, shape, elements), from, to, replacement)) {
                throw new ConcurrentModificationException(
                        "others put in or took out since this iteration began: begin again, or use "
                                + "removeIf or replaceAll");
            }
            shape += to - from == replacement.length ? 0 : 1;
        }
    }

    // ---- views ----

    /** Returns a view of a range of positions. If others make the list shorter, the view gets shorter, too. */
    @Override
    public List<E> subList(int from, int to) {
        int size = size();
        if (from < 0 || to > size) {
            throw new IndexOutOfBoundsException("range must be in 0 to " + size + ", was " + from + " to " + to);
        }
        if (from > to) {
            throw new IllegalArgumentException("range must not begin behind its end, was " + from + " to " + to);
        }
        return new Range<>(this, from, to - from);
    }

    @Override
    public List<E> reversed() {
        return new Reversed<>(this);
    }

    /** A view of a range. For one thread at a time, as it counts the elements that are added and removed through it. */
    private static final class Range<E extends @Nullable Object> extends RemoteElements<E> {
        private final RemoteElements<E> whole;
        private final int from;
        private int length;

        Range(RemoteElements<E> whole, int from, int length) {
            this.whole = whole;
            this.from = from;
            this.length = length;
        }

        @Override
        Snapshot<E> snapshot(int first, int end) {
            int most = Math.min(end, length);
            return whole.snapshot(from + Math.min(first, most), from + most);
        }

        @Override
        boolean splice(Snapshot<E> seen, int first, int end, @Nullable Object[] replacement) {
            boolean spliced = whole.splice(seen, from + first, from + end, replacement);
            length += spliced ? replacement.length - (end - first) : 0;
            return spliced;
        }

        @Override
        void insert(int index, @Nullable Object[] elements) {
            Objects.checkIndex(index, length + 1);
            whole.insert(from + index, elements);
            length += elements.length;
        }

        @Override
        public int size() {
            return Math.clamp((long) whole.size() - from, 0, length);
        }

        @Override
        public E get(int index) {
            return whole.get(from + Objects.checkIndex(index, length));
        }

        @Override
        public E set(int index, E element) {
            return whole.set(from + Objects.checkIndex(index, length), element);
        }

        @Override
        public E remove(int index) {
            E removed = whole.remove(from + Objects.checkIndex(index, length));
            length--;
            return removed;
        }
    }

    private static final class Reversed<E extends @Nullable Object> extends RemoteElements<E> {
        private final RemoteElements<E> forward;

        Reversed(RemoteElements<E> forward) {
            this.forward = forward;
        }

        @Override
        Snapshot<E> snapshot(int from, int to) {
            Snapshot<E> all = forward.snapshot();
            int end = Math.min(to, all.elements.size());
            return new Snapshot<>(all.version, all.shape, all.elements.reversed().subList(Math.min(from, end), end));
        }

        @Override
        boolean splice(Snapshot<E> seen, int from, int to, @Nullable Object[] replacement) {
            int size = seen.elements.size();
            Collections.reverse(Arrays.asList(replacement));
            return forward.splice(seen, size - to, size - from, replacement);
        }

        @Override
        void insert(int index, @Nullable Object[] elements) {
            Collections.reverse(Arrays.asList(elements));
            forward.insert(forward.size() - index, elements);
        }

        @Override
        public boolean add(E element) {
            forward.add(0, element);
            return true;
        }

        @Override
        public int size() {
            return forward.size();
        }

        private int place(int index) {
            int size = forward.size();
            return size - 1 - Objects.checkIndex(index, size);
        }

        @Override
        public E get(int index) {
            return forward.get(place(index));
        }

        @Override
        public E set(int index, E element) {
            return forward.set(place(index), element);
        }

        @Override
        public E remove(int index) {
            return forward.remove(place(index));
        }

        @Override
        public E getFirst() {
            return forward.getLast();
        }

        @Override
        public E getLast() {
            return forward.getFirst();
        }

        @Override
        public E removeFirst() {
            return forward.removeLast();
        }

        @Override
        public E removeLast() {
            return forward.removeFirst();
        }

        @Override
        public List<E> subList(int from, int to) {
            int size = size();
            return forward.subList(size - to, size - from).reversed();
        }

        @Override
        public List<E> reversed() {
            return forward;
        }
    }
}
