package dev.sennit.service;

/**
 * Takes the output of a run, line by line. Called by two threads, one for each stream, which wait until a call returns.
 */
@FunctionalInterface
interface LineSink {
    /**
     * Takes a line.
     *
     * @param error whether it came from standard error
     * @param text the line without its line feed; a line of more than 64 Ki characters comes in pieces
     */
    void line(boolean error, String text);
}
