package dev.sennit.internal;

import dev.sennit.Pools;

/** Code that breaks a rule, for dev.sennit.ArchitectureTest. */
public final class KnowsRoot {
    private KnowsRoot() {}

    static Object open() {
        return Pools.open("inline");
    }
}
