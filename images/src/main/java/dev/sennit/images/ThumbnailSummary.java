package dev.sennit.images;

import dev.sennit.PipelineStatistics;
import dev.sennit.StageRun;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The figures of a run of a {@link ThumbnailPipeline}.
 *
 * @param made sources whose thumbnails were written
 * @param skipped sources all of whose thumbnails existed already
 * @param files thumbnails written
 * @param failures how many sources failed, by reason
 * @param bytesIn bytes of images, those included that failed afterwards
 * @param bytesOut bytes of thumbnails
 * @param decoding time spent in decoders, over all workers
 * @param resizing time spent in resizing
 * @param encoding time spent in encoders
 * @param statistics of the stages {@value ThumbnailPipeline#FETCH}, {@value ThumbnailPipeline#RESIZE} and {@value
 *     ThumbnailPipeline#WRITE}
 * @param runs the record of the runs, if there is one
 */
public record ThumbnailSummary(
        long made,
        long skipped,
        long files,
        Map<Failure.Reason, Long> failures,
        long bytesIn,
        long bytesOut,
        Duration decoding,
        Duration resizing,
        Duration encoding,
        PipelineStatistics statistics,
        List<StageRun> runs) {
    /** Copies the collections. */
    public ThumbnailSummary {
        var copy = new EnumMap<Failure.Reason, Long>(Failure.Reason.class);
        copy.putAll(failures);
        failures = Collections.unmodifiableMap(copy);
        runs = List.copyOf(runs);
    }

    /**
     * Returns how many sources failed.
     *
     * @return the sum of {@link #failures}
     */
    public long failed() {
        return failures.values().stream().mapToLong(Long::longValue).sum();
    }
}
