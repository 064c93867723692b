package dev.sennit.pipe;

/**
 * A message of a {@link Pipe}, as it was received. It travels as its kind, its length as an {@code int}, and its bytes.
 *
 * @param kind {@link #OBJECT} or {@link #BYTES}
 * @param bytes the bytes that were sent, or the encoded object
 */
record PipeMessage(byte kind, byte[] bytes) {
    static final byte OBJECT = 'O';
    static final byte BYTES = 'B';
    /** The length of kind and length. */
    static final int HEADER = 1 + Integer.BYTES;
    /** How many bytes go to, or come from, the system at once: the JDK makes a copy of as many outside of the heap. */
    static final int PIECE = 1 << 16;
}
