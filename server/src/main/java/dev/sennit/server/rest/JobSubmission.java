package dev.sennit.server.rest;

/**
 * The result of a submission.
 *
 * @param id the job: the new one, or the one that the key names already
 * @param outcome which of these it is
 */
public record JobSubmission(String id, Outcome outcome) {
    /** Whether a submission made a job. */
    public enum Outcome {
        /** There is a new job. */
        NEW,
        /** The same request has made this job before. */
        KNOWN,
        /** Another request with the same key has made this job. */
        CONFLICT
    }
}
