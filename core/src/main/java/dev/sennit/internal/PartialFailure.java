package dev.sennit.internal;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The failure of a task that processes several items, when an item failed. It has the results of the items before; the
 * item's failure is its cause. Users never see it.
 */
public final class PartialFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient List<? extends @Nullable Object> finished;

    /**
     * Creates the exception.
     *
     * @param finished the results of the items before the failed item
     * @param failure the exception of the failed item
     */
    public PartialFailure(List<? extends @Nullable Object> finished, Throwable failure) {
        super(null, failure, false, false);
        this.finished = finished;
    }

    /**
     * Returns the results of the items before the failed item.
     *
     * @return results in the order of the items
     */
    public List<? extends @Nullable Object> finished() {
        return finished;
    }

    /**
     * Returns the failure of the item.
     *
     * @return the failure
     */
    public Throwable failure() {
        return Objects.requireNonNull(super.getCause());
    }
}
