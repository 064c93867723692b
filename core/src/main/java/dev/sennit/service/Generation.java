package dev.sennit.service;

/**
 * A generation of a service: its settings, and the files that its processes run from.
 *
 * @param number from 1; a larger number is newer
 * @param settings the settings of its processes
 * @param launchers makes the launcher of a slot
 */
record Generation(long number, ServiceSettings settings, Launchers launchers) {
    /** Makes launchers. */
    @FunctionalInterface
    interface Launchers {
        /** Returns the launcher of a slot. */
        Launcher forSlot(int id);

        /**
         * Notes that no more processes will be started: the files of the generation are removed when its last process
         * has ended.
         */
        default void retire() {}
    }
}
