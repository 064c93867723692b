package dev.sennit.internal;

import java.util.Iterator;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Goes over a snapshot of a collection that others change meanwhile.
 *
 * <p>{@link java.util.Collection#spliterator} believes {@code size()}, and a stream that was promised so many elements fails when there
 * are more or fewer. This one promises no size. It takes its snapshot when it is first asked for an element, a part or an estimate.
 *
 * @param <E> the type of the elements
 */
public final class SnapshotSpliterator<E extends @Nullable Object> implements Spliterator<E> {
    private final Supplier<Iterator<E>> snapshot;
    private final int characteristics;
    /** Null until it is first used. Only the thread that it belongs to. */
    private @Nullable Spliterator<E> taken;

    /**
     * A spliterator that has not looked yet.
     *
     * @param snapshot takes the snapshot, and goes over it
     * @param characteristics what else holds, without a size
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
        return Long.MAX_VALUE; // which means that it is not known
    }

    @Override
    public int characteristics() {
        return characteristics;
    }
}
