package dev.sennit;

import java.time.Duration;
import java.util.List;

/**
 * What a run of a {@link Pipeline} has done so far: an immutable snapshot.
 *
 * <p>The counts add up: {@code in == out + failed + underWay()}, and what a stage has {@code done}, without what it holds, is
 * what came to the next.
 *
 * @param in items read from the source
 * @param out results handed to the consumer
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
     * Items that are somewhere in the pipeline.
     *
     * @return the count
     */
    public long underWay() {
        return in - out - failed;
    }

    /**
     * A stage by its name.
     *
     * @param name the name it was given
     * @return what it has done
     * @throws IllegalArgumentException if there is none of that name
     */
    public StageStatistics stage(String name) {
        return stages.stream()
                .filter(stage -> stage.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no stage is called " + name + "; there are "
                        + stages.stream().map(StageStatistics::name).toList()));
    }
}
