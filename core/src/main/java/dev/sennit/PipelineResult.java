package dev.sennit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of a completed run of a {@link Pipeline}.
 *
 * @param values the results that {@link Pipeline#toList} kept; empty after {@link Pipeline#run}, whose consumer got
 *     them. The list cannot be modified and may hold nulls
 * @param statistics the counts and times
 * @param runs each run of each stage, in the order in which they ended; empty without {@link Pipeline#recording}
 * @param <T> the type of a result
 */
public record PipelineResult<T extends @Nullable Object>(
        List<T> values, PipelineStatistics statistics, List<StageRun> runs) {}
