package dev.sennit.benchmarks.pools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.process.WorkerProcess;
import org.junit.jupiter.api.Test;

/** Whoever makes a machine busy lets go of it again. */
class BusyMachineIT {
    @Test
    void hasAProcessForEachProcessorUntilItIsClosed() throws Exception {
        try (var _ = BusyMachine.open()) {
            assertThat(WorkerProcess.active()).hasSize(Runtime.getRuntime().availableProcessors());
        }
        assertThat(WorkerProcess.active()).isEmpty();
    }
}
