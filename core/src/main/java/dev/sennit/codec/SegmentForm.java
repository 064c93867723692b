package dev.sennit.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.sennit.shared.SharedMemory;
import java.io.InvalidObjectException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * How a {@link MemorySegment} travels: a part of a {@link SharedMemory} as its place, so that the receiver gets the
 * same memory; any other segment as a copy, native or in an array of the same type. A read-only segment stays
 * read-only.
 */
final class SegmentForm {
    /** The kind of a copy in native memory, plus the logarithm of its alignment; kinds of arrays are lower. */
    private static final int NATIVE = 8;

    private static final int MOST_ALIGNED = 6;

    private SegmentForm() {}

    /** Checks that a segment can be read by this thread now; the exception says why not. */
    static void require(MemorySegment segment) throws InvalidObjectException {
        String what = "a memory segment of " + segment.byteSize() + " bytes ";
        if (!segment.scope().isAlive()) {
            throw new InvalidObjectException(what + "is closed: its arena was");
        }
        if (!segment.isAccessibleBy(Thread.currentThread())) {
            throw new InvalidObjectException(what + "belongs to another thread: its arena is confined to that");
        }
    }

    /** Returns the kind of a segment's copy. */
    static int kindOf(MemorySegment segment) {
        if (segment.isNative()) {
            return NATIVE + Math.min(MOST_ALIGNED, Long.numberOfTrailingZeros(segment.maxByteAlignment()));
        }
        return switch (segment.heapBase().orElse(null)) {
            case byte[] array -> 0;
            case short[] array -> 1;
            case char[] array -> 2;
            case int[] array -> 3;
            case float[] array -> 4;
            case long[] array -> 5;
            case double[] array -> 6;
            case null, default -> // read-only segments do not show their array
                switch ((int) segment.maxByteAlignment()) {
                    case 1 -> 0;
                    case 2 -> 1;
                    case 4 -> 3;
                    default -> 5;
                };
        };
    }

    /** Allocates memory for a copy; throws {@link IllegalArgumentException} if there is no such kind. */
    static MemorySegment allocate(int kind, int bytes) {
        int shorts = Math.ceilDiv(bytes, Short.BYTES);
        int ints = Math.ceilDiv(bytes, Integer.BYTES);
        int longs = Math.ceilDiv(bytes, Long.BYTES);
        MemorySegment whole =
                switch (kind) {
                    case 0 -> MemorySegment.ofArray(new byte[bytes]);
                    case 1 -> MemorySegment.ofArray(new short[shorts]);
                    case 2 -> MemorySegment.ofArray(new char[shorts]);
                    case 3 -> MemorySegment.ofArray(new int[ints]);
                    case 4 -> MemorySegment.ofArray(new float[ints]);
                    case 5 -> MemorySegment.ofArray(new long[longs]);
                    case 6 -> MemorySegment.ofArray(new double[longs]);
                    default -> {
                        if (kind < NATIVE || kind > NATIVE + MOST_ALIGNED) {
                            throw new IllegalArgumentException("no kind of memory is " + kind);
                        }
                        yield Arena.ofAuto().allocate(bytes, 1L << (kind - NATIVE));
                    }
                };
        return whole.asSlice(0, bytes);
    }

    /** Returns the address that Java serialization writes in place of a segment. */
    static Address addressOf(MemorySegment segment) throws InvalidObjectException {
        require(segment);
        Address shared = InPlace.of(segment);
        if (shared != null) {
            return shared;
        }
        if (segment.byteSize() > MessageBuffer.LONGEST) {
            throw new InvalidObjectException("a memory segment of " + segment.byteSize()
                    + " bytes is too large to be copied: make it a part of a SharedMemory, which travels as its name");
        }
        return new Copy(segment.toArray(JAVA_BYTE), kindOf(segment), segment.isReadOnly());
    }

    /** A copy of a segment. */
    @SuppressWarnings("ArrayRecordComponent") // made once, never compared
    private record Copy(byte[] bytes, int kind, boolean readOnly) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            MemorySegment copy = allocate(kind, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
            return readOnly ? copy.asReadOnly() : copy;
        }
    }
}
