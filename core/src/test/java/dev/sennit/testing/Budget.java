package dev.sennit.testing;

/**
 * How many schedules a body gets that has to pass all: a tenth in each build, all in a long run
 * ({@code -Dsennit.full=true}). A body that has to fail gets as many as it needs.
 */
final class Budget {
    private static final boolean FULL = Boolean.getBoolean("sennit.full");

    private Budget() {}

    static int of(int schedules) {
        return FULL ? schedules : Math.max(1, schedules / 10);
    }
}
