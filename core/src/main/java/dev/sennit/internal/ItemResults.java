package dev.sennit.internal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The result of a task that does the same to several items: if it cannot travel as a whole, its beginning may. */
public interface ItemResults {
    /**
     * The results.
     *
     * @return one for each item, in their order
     */
    List<? extends @Nullable Object> values();
}
