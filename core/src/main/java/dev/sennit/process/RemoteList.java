package dev.sennit.process;

import java.io.Serializable;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A list in a manager. Each method is one call, and atomic. What takes a function reads the list, applies it here, and puts the
 * result back if nobody has changed the list meanwhile, or else does it again.
 */
@SuppressWarnings({"unchecked", "serial", "NullAway"}) // it holds what was put in, nulls if E has them; the field is a proxy
final class RemoteList<E extends @Nullable Object> extends AbstractList<E> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final ListOperations list;

    RemoteList(ListOperations list) {
        this.list = list;
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
        list.appendAll(elements.toArray());
        return !elements.isEmpty();
    }

    @Override
    public boolean addAll(int index, Collection<? extends E> elements) {
        list.addAll(index, elements.toArray());
        return !elements.isEmpty();
    }

    @Override
    public E remove(int index) {
        return (E) list.remove(index);
    }

    @Override
    public boolean remove(@Nullable Object element) {
        return list.removeFirst(element);
    }

    @Override
    protected void removeRange(int from, int to) {
        list.removeRange(from, to);
    }

    @Override
    public void clear() {
        change(before -> Collections.emptyList());
    }

    @Override
    public boolean contains(@Nullable Object element) {
        return list.indexOf(element) >= 0;
    }

    @Override
    public int indexOf(@Nullable Object element) {
        return list.indexOf(element);
    }

    @Override
    public int lastIndexOf(@Nullable Object element) {
        return list.lastIndexOf(element);
    }

    @Override
    public boolean containsAll(Collection<?> others) {
        return new HashSet<@Nullable Object>(snapshot()).containsAll(others);
    }

    /** Over a snapshot, which cannot be changed. */
    @Override
    public Iterator<E> iterator() {
        return Collections.unmodifiableList(snapshot()).iterator();
    }

    @Override
    public Object[] toArray() {
        return snapshot().toArray();
    }

    @Override
    public <T> T[] toArray(T[] target) {
        return snapshot().toArray(target);
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
        change(elements -> {
            elements.replaceAll(function);
            return elements;
        });
    }

    @Override
    public boolean removeIf(Predicate<? super E> condition) {
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

    private List<E> snapshot() {
        return elements(list.snapshot());
    }

    private static <E extends @Nullable Object> List<E> elements(@Nullable Object[] snapshot) {
        return ((List<E>) Arrays.asList(snapshot)).subList(1, snapshot.length);
    }

    /** Returns whether it has another size now. */
    private boolean change(UnaryOperator<List<E>> change) {
        while (true) {
            @Nullable Object[] before = list.snapshot();
            List<E> after = change.apply(elements(before));
            if (list.replace((Long) Objects.requireNonNull(before[0]), after.toArray())) {
                return after.size() != before.length - 1;
            }
        }
    }
}
