package dev.sennit.queue.broker;

import java.util.Objects;

/**
 * Proves a claim: the task, and the number of the attempt, which grows with each claim. A broker refuses the completion
 * of an attempt that is not the task's last, so a worker that was thought lost cannot complete what runs elsewhere.
 *
 * @param id the id of the task
 * @param attempt the number of the claim, 1 or more
 */
public record Token(String id, int attempt) {
    /** Checks the values. */
    public Token {
        Objects.requireNonNull(id, "id");
    }
}
