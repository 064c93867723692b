package dev.sennit.pipe;

/**
 * A message of a {@link Pipe}, as it was received. On its way it is its kind, its length as an {@code int}, and its bytes.
 *
 * @param kind {@link #OBJECT} or {@link #BYTES}
 * @param bytes what was sent, or its encoding
 */
record PipeMessage(byte kind, byte[] bytes) {
    static final byte OBJECT = 'O';
    static final byte BYTES = 'B';
    /** What comes before the bytes. */
    static final int HEADER = 1 + Integer.BYTES;
    /** How much goes to, or comes from, the system at once: it makes a copy of as much outside of the heap. */
    static final int PIECE = 1 << 16;
}
