package dev.sennit.process;

/** Gets what worker processes write, line by line. Called by several threads at once. */
@FunctionalInterface
public interface LineListener {
    /**
     * Takes a line.
     *
     * @param worker the worker's name
     * @param error whether it came from standard error
     * @param line the line without its end; one of more than 64 Ki characters comes in pieces
     */
    void line(String worker, boolean error, String line);
}
