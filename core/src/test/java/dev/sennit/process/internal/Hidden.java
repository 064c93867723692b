package dev.sennit.process.internal;

/** Code that nobody outside dev.sennit.process may use, for dev.sennit.ArchitectureTest. */
public final class Hidden {
    public Hidden() {}
}
