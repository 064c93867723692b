package dev.sennit.shared;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * The compare-and-set loops of numbers and arrays: each replaces a value in shared memory by the result of a function
 * of it, and calls the function again if another thread was faster. A double is compared by its bits, so that NaN is
 * equal to itself.
 */
final class AtomicUpdates {
    private static final VarHandle INT = JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG = JAVA_LONG.varHandle().withInvokeExactBehavior();

    private AtomicUpdates() {}

    static int getAndUpdateInt(MemorySegment segment, long offset, IntUnaryOperator update) {
        while (true) {
            int seen = (int) INT.getVolatile(segment, offset);
            if (INT.compareAndSet(segment, offset, seen, update.applyAsInt(seen))) {
                return seen;
            }
        }
    }

    static int updateAndGetInt(MemorySegment segment, long offset, IntUnaryOperator update) {
        while (true) {
            int seen = (int) INT.getVolatile(segment, offset);
            int next = update.applyAsInt(seen);
            if (INT.compareAndSet(segment, offset, seen, next)) {
                return next;
            }
        }
    }

    static long getAndUpdateLong(MemorySegment segment, long offset, LongUnaryOperator update) {
        while (true) {
            long seen = (long) LONG.getVolatile(segment, offset);
            if (LONG.compareAndSet(segment, offset, seen, update.applyAsLong(seen))) {
                return seen;
            }
        }
    }

    static long updateAndGetLong(MemorySegment segment, long offset, LongUnaryOperator update) {
        while (true) {
            long seen = (long) LONG.getVolatile(segment, offset);
            long next = update.applyAsLong(seen);
            if (LONG.compareAndSet(segment, offset, seen, next)) {
                return next;
            }
        }
    }

    static double getAndUpdateDouble(MemorySegment segment, long offset, DoubleUnaryOperator update) {
        while (true) {
            long bits = (long) LONG.getVolatile(segment, offset);
            double seen = longBitsToDouble(bits);
            if (LONG.compareAndSet(segment, offset, bits, doubleToRawLongBits(update.applyAsDouble(seen)))) {
                return seen;
            }
        }
    }

    static double updateAndGetDouble(MemorySegment segment, long offset, DoubleUnaryOperator update) {
        while (true) {
            long bits = (long) LONG.getVolatile(segment, offset);
            double next = update.applyAsDouble(longBitsToDouble(bits));
            if (LONG.compareAndSet(segment, offset, bits, doubleToRawLongBits(next))) {
                return next;
            }
        }
    }
}
