package dev.sennit.service;

/**
 * How a run ended.
 *
 * @param exitCode the exit code of its process; -N if signal N ended it, or it exited with code 128 + N as a shell does
 *     whose command signal N ended
 * @param wasKilled whether it was killed here: by {@link Run#kill}, or as it did not heed {@link Run#terminate} in time
 * @param why one line for a person, such as "exited with code 1; it said: no such table"
 */
record RunEnd(int exitCode, boolean wasKilled, String why) {
    private static final int LONGEST = 1000;

    /** What processes write may be of any length: the reason is cut. */
    RunEnd {
        why = oneLine(why);
    }

    static String oneLine(String text) {
        String line = text.replaceAll("\\R", " | ");
        return line.length() > LONGEST ? line.substring(0, LONGEST) + " ..." : line;
    }

    /** Whether it ended by itself and says that all is well. */
    boolean isSuccess() {
        return exitCode == 0 && !wasKilled;
    }
}
