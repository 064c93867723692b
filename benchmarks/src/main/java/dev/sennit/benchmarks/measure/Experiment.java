package dev.sennit.benchmarks.measure;

/** One named benchmark: runs its contestants side by side and reports. */
public interface Experiment {
    /** Measures; what it opens it closes. */
    Report run(Bench bench) throws Exception;
}
