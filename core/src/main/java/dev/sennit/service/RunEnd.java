package dev.sennit.service;

/**
 * How a run ended.
 *
 * @param exitCode the exit code of the process; -N if signal N ended it, or if it exited with 128 + N, as a shell does
 *     whose command was ended by signal N
 * @param wasKilled whether the manager killed it: by {@link Run#kill}, or as it did not end in time after
 *     {@link Run#terminate}
 * @param why one line for readers, such as "exited with code 1; it said: no such table"
 */
record RunEnd(int exitCode, boolean wasKilled, String why) {
    private static final int LONGEST = 1000;

    /** Cuts the reason, as it may contain output of any length. */
    RunEnd {
        why = oneLine(why);
    }

    static String oneLine(String text) {
        String line = text.replaceAll("\\R", " | ");
        return line.length() > LONGEST ? line.substring(0, LONGEST) + " ..." : line;
    }

    /** Returns whether the process ended by itself, with success. */
    boolean isSuccess() {
        return exitCode == 0 && !wasKilled;
    }
}
