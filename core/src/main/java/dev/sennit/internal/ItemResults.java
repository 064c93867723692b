package dev.sennit.internal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The result of a task that processes several items. If it cannot be sent as a whole, its first part may be. */
public interface ItemResults {
    /**
     * Returns the results.
     *
     * @return a result for each item, in the order of the items
     */
    List<? extends @Nullable Object> values();
}
