package dev.sennit.server.rest;

/**
 * What became of a submission.
 *
 * @param id the job: the new one, or the one that the key names already
 * @param outcome which of these it is
 */
public record JobSubmission(String id, Outcome outcome) {
    /** What became of a submission. */
    public enum Outcome {
        /** There is a new job. */
        NEW,
        /** The same request has made this job before. */
        KNOWN,
        /** Another request with the same key has made this job. */
        CONFLICT
    }
}
