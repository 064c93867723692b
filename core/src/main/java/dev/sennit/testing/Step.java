package dev.sennit.testing;

/**
 * A step of a schedule: a thread ran until it suspended or ended.
 *
 * @param thread its name; {@code body} for the body of the test, {@code thread-N} for one without a name
 * @param from where it had suspended before: the topmost line of the user's code, or {@code start}
 * @param to where it suspended, or {@code end}
 */
public record Step(String thread, String from, String to) {}
