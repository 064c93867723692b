package dev.sennit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run of a {@link Pipeline} that came to its end leaves.
 *
 * @param values the results that {@link Pipeline#toList} kept; empty after {@link Pipeline#run}, whose consumer has had them.
 *     The list cannot be modified and may hold nulls
 * @param statistics the counts and times
 * @param runs what ran when, in the order in which it ended; empty without {@link Pipeline#recording}
 * @param <T> the type of a result
 */
public record PipelineResult<T extends @Nullable Object>(
        List<T> values, PipelineStatistics statistics, List<StageRun> runs) {}
