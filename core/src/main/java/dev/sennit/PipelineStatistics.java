package dev.sennit;

import java.time.Duration;
import java.util.List;

/**
 * An immutable snapshot of the figures of a run of a {@link Pipeline}.
 *
 * <p>The counts add up: {@code in == out + failed + underWay()}, and the items that a stage has {@code done}, without
 * those it holds, are those that reached the next stage.
 *
 * @param in items read from the source
 * @param out results passed to the consumer
 * @param failed items that left the pipeline with a failure
 * @param elapsed the time since the run began
 * @param stages each stage, in their order
 */
public record PipelineStatistics(long in, long out, long failed, Duration elapsed, List<StageStatistics> stages) {
    /** Keeps a copy of the list. */
    public PipelineStatistics {
        stages = List.copyOf(stages);
    }

    /**
     * Returns how many items are in the pipeline.
     *
     * @return the count
     */
    public long underWay() {
        return in - out - failed;
    }

    /**
     * Returns the figures of a stage.
     *
     * @param name the name of the stage
     * @return its figures
     * @throws IllegalArgumentException if there is no stage of that name
     */
    public StageStatistics stage(String name) {
        return stages.stream()
                .filter(stage -> stage.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no stage is called " + name + "; there are "
                        + stages.stream().map(StageStatistics::name).toList()));
    }
}
