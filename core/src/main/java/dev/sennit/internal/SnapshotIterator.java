package dev.sennit.internal;

import java.util.Iterator;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Goes over a snapshot of a collection that others change meanwhile, and removes from the collection.
 *
 * @param <S> what the snapshot has for each element
 * @param <E> the type of the elements
 */
public final class SnapshotIterator<S, E extends @Nullable Object> implements Iterator<E> {
    private final Iterator<S> snapshot;
    private final Function<? super S, ? extends E> elementOf;
    private final Consumer<? super S> remover;
    private @Nullable S last;

    /**
     * An iterator before the first element.
     *
     * @param snapshot what was in the collection
     * @param elementOf the element that an entry of the snapshot stands for
     * @param remover takes an entry out of the collection, if it is still in
     */
    public SnapshotIterator(Iterable<S> snapshot, Function<? super S, ? extends E> elementOf,
            Consumer<? super S> remover) {
        this.snapshot = snapshot.iterator();
        this.elementOf = elementOf;
        this.remover = remover;
    }

    @Override
    public boolean hasNext() {
        return snapshot.hasNext();
    }

    @Override
    public E next() {
        S next = snapshot.next();
        last = next;
        return elementOf.apply(next);
    }

    @Override
    public void remove() {
        if (last == null) {
            throw new IllegalStateException("next was not called since the last remove");
        }
        remover.accept(last);
        last = null;
    }
}
