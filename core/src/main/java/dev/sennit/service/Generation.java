package dev.sennit.service;

/**
 * A generation of a service: its settings, and what its processes run from.
 *
 * @param number from 1; more is newer
 * @param settings the settings of its processes
 * @param launchers makes the launcher of a slot
 */
record Generation(long number, ServiceSettings settings, Launchers launchers) {
    /** Makes launchers. */
    @FunctionalInterface
    interface Launchers {
        /** Returns the launcher of a slot. */
        Launcher forSlot(int id);

        /** No process will be started any more: what they run from is removed with the last of them. */
        default void retire() {}
    }
}
