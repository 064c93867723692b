package dev.sennit.loop;

import dev.sennit.process.ProcessPool;

/** Code that breaks a rule, for dev.sennit.ArchitectureTest. */
public final class KnowsProcess {
    private KnowsProcess() {}

    static Object open() {
        return ProcessPool.builder();
    }
}
