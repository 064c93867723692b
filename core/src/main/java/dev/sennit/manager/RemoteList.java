package dev.sennit.manager;

import dev.sennit.TaskSerializationException;
import dev.sennit.manager.wire.ListOperations;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A list in a manager. Each method is one call, and atomic. A method with a function reads the list, applies the
 * function here, and puts the result back; it begins again if another caller has changed the list meanwhile.
 */
// it holds what was put in, nulls if E has them; the field is a proxy
@SuppressWarnings({"unchecked", "serial", "NullAway"})
final class RemoteList<E extends @Nullable Object> extends RemoteElements<E> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final ListOperations list;

    RemoteList(ListOperations list) {
        this.list = list;
    }

    @Override
    Snapshot<E> snapshot(int from, int to) {
        @Nullable Object[] answer = list.snapshot(from, to);
        return new Snapshot<>(
                (Long) Objects.requireNonNull(answer[0]),
                (Long) Objects.requireNonNull(answer[1]),
                ((List<E>) Arrays.asList(answer)).subList(2, answer.length));
    }

    @Override
    boolean splice(Snapshot<E> seen, int from, int to, @Nullable Object[] replacement) {
        return list.splice(seen.version(), seen.shape(), from, to, replacement);
    }

    @Override
    void insert(int index, @Nullable Object[] elements) {
        list.addAll(index, elements);
    }

    @Override
    public int size() {
        return list.size();
    }

    @Override
    public E get(int index) {
        return (E) list.get(index);
    }

    @Override
    public E set(int index, E element) {
        return (E) list.set(index, element);
    }

    @Override
    public boolean add(E element) {
        list.append(element);
        return true;
    }

    @Override
    public void add(int index, E element) {
        list.add(index, element);
    }

    @Override
    public boolean addAll(Collection<? extends E> elements) {
        @Nullable Object[] more = elements.toArray();
        list.appendAll(more);
        return more.length > 0;
    }

    @Override
    public E remove(int index) {
        return (E) list.remove(index);
    }

    @Override
    public boolean remove(@Nullable Object element) {
        try {
            return list.removeFirst(element);
        } catch (TaskSerializationException e) {
            return false; // an element that cannot travel is not in the list
        }
    }

    @Override
    public E getFirst() {
        try {
            return (E) list.get(0);
        } catch (IndexOutOfBoundsException e) {
            throw empty(e);
        }
    }

    @Override
    public E removeFirst() {
        try {
            return (E) list.remove(0);
        } catch (IndexOutOfBoundsException e) {
            throw empty(e);
        }
    }

    @Override
    public E getLast() {
        return (E) list.getLast();
    }

    @Override
    public E removeLast() {
        return (E) list.removeLast();
    }

    private static NoSuchElementException empty(IndexOutOfBoundsException cause) {
        return new NoSuchElementException("the list is empty", cause);
    }

    @Override
    public void clear() {
        list.clear();
    }

    @Override
    public int indexOf(@Nullable Object element) {
        try {
            return list.indexOf(element);
        } catch (TaskSerializationException e) {
            return -1;
        }
    }

    @Override
    public int lastIndexOf(@Nullable Object element) {
        try {
            return list.lastIndexOf(element);
        } catch (TaskSerializationException e) {
            return -1;
        }
    }
}
