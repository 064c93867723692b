package dev.sennit;

/** A body that wraps an object of the submitter. */
interface Wrapping {
    /** Returns the submitter's object, or another wrapping of it. */
    Object wrapped();
}
