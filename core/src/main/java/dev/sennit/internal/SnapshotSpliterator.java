package dev.sennit.internal;

import java.util.Iterator;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A spliterator over a snapshot of a collection that other threads may change.
 *
 * <p>{@link java.util.Collection#spliterator} relies on {@code size()}, and a stream fails when the number of elements
 * differs from the size reported. This spliterator reports no size. It takes its snapshot at the first call that needs
 * an element, a split or an estimate.
 *
 * @param <E> the type of the elements
 */
public final class SnapshotSpliterator<E extends @Nullable Object> implements Spliterator<E> {
    private final Supplier<Iterator<E>> snapshot;
    private final int characteristics;
    /** The snapshot's spliterator; null until it is first used. Only the thread that uses this. */
    private @Nullable Spliterator<E> taken;

    /**
     * Creates a spliterator that has not taken its snapshot yet.
     *
     * @param snapshot takes the snapshot, and returns an iterator over it
     * @param characteristics the characteristics, without those of size
     */
    public SnapshotSpliterator(Supplier<Iterator<E>> snapshot, int characteristics) {
        this.snapshot = snapshot;
        this.characteristics = (characteristics | CONCURRENT) & ~(SIZED | SUBSIZED);
    }

    private Spliterator<E> taken() {
        Spliterator<E> known = taken;
        if (known == null) {
            known = Spliterators.spliteratorUnknownSize(snapshot.get(), characteristics);
            taken = known;
        }
        return known;
    }

    @Override
    public boolean tryAdvance(Consumer<? super E> action) {
        Objects.requireNonNull(action, "action");
        return taken().tryAdvance(action);
    }

    @Override
    public void forEachRemaining(Consumer<? super E> action) {
        Objects.requireNonNull(action, "action");
        taken().forEachRemaining(action);
    }

    @Override
    public @Nullable Spliterator<E> trySplit() {
        return taken().trySplit();
    }

    @Override
    public long estimateSize() {
        return Long.MAX_VALUE; // unknown
    }

    @Override
    public int characteristics() {
        return characteristics;
    }
}
