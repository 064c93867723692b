package dev.sennit;

/** A body that this library made around what the submitter wrote. */
interface Wrapping {
    /** What was written, or another wrapping of it. */
    Object wrapped();
}
