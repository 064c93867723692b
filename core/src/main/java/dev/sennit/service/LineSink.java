package dev.sennit.service;

/** Takes what a run writes, line by line. Called by two threads, one for each stream, which wait meanwhile. */
@FunctionalInterface
interface LineSink {
    /**
     * Takes a line.
     *
     * @param error whether it came from standard error
     * @param text the line without its end; one of more than 64 Ki characters comes in pieces
     */
    void line(boolean error, String text);
}
