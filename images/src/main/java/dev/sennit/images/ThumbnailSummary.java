package dev.sennit.images;

import dev.sennit.PipelineStatistics;
import dev.sennit.StageRun;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What a run of a {@link ThumbnailPipeline} did.
 *
 * @param made sources whose thumbnails were written
 * @param skipped sources all of whose thumbnails were there
 * @param files thumbnails written
 * @param failures how many failed, for each reason there was
 * @param bytesIn of images, those included that failed afterwards
 * @param bytesOut of thumbnails
 * @param decoding time spent in decoders, over all workers
 * @param resizing time spent in making smaller
 * @param encoding time spent in encoders
 * @param statistics of the stages {@value ThumbnailPipeline#FETCH}, {@value ThumbnailPipeline#RESIZE} and {@value
 *     ThumbnailPipeline#WRITE}
 * @param runs what ran when, if it was recorded
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
    /** Copies. */
    public ThumbnailSummary {
        var copy = new EnumMap<Failure.Reason, Long>(Failure.Reason.class);
        copy.putAll(failures);
        failures = Collections.unmodifiableMap(copy);
        runs = List.copyOf(runs);
    }

    /**
     * How many sources failed.
     *
     * @return the sum of {@link #failures}
     */
    public long failed() {
        return failures.values().stream().mapToLong(Long::longValue).sum();
    }
}
