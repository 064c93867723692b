package dev.sennit.cli.services;

/**
 * How a request to a manager ended.
 *
 * @param exitCode that of the command which asked
 * @param why one line for its user; empty if there is nothing to say
 */
public record Outcome(int exitCode, String why) {
    static final Outcome DONE = new Outcome(0, "");
}
