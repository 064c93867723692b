package dev.sennit.internal;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The failure of a task that does the same to several items, when one of them failed: it holds the results of the items before. The
 * failure is its cause. No user sees it.
 */
public final class PartialFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient List<? extends @Nullable Object> finished;

    /**
     * Creates the exception.
     *
     * @param finished the results of the items before the one that failed
     * @param failure what that one threw
     */
    public PartialFailure(List<? extends @Nullable Object> finished, Throwable failure) {
        super(null, failure, false, false);
        this.finished = finished;
    }

    /**
     * The results of the items before the one that failed.
     *
     * @return results in the order of the items
     */
    public List<? extends @Nullable Object> finished() {
        return finished;
    }

    /**
     * The failure of the item.
     *
     * @return the failure
     */
    public Throwable failure() {
        return Objects.requireNonNull(super.getCause());
    }
}
