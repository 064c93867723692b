package dev.sennit.codec;

import java.io.ObjectStreamException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Knows the values that stay where they are when a message is sent. Shared memory registers itself here with its first block, and no such value is
 * without one; so messages know nothing of shared memory.
 */
public interface InPlace {
    /** The address that travels in a value's place; null for all other values. */
    @Nullable Address addressOf(Object value) throws ObjectStreamException;

    /** The address that travels in a segment's place; null if the segment does not lie in a block. */
    @Nullable Address addressOf(MemorySegment segment);

    /** Registers the one that knows; called when its class is initialized. */
    static void register(InPlace knows) {
        Known.inPlace = knows;
    }

    /** The address that travels in a value's place; null for all other values. */
    static @Nullable Address of(Object value) throws ObjectStreamException {
        InPlace known = Known.inPlace;
        return known == null ? null : known.addressOf(value);
    }

    /** The address that travels in a segment's place; null if the segment does not lie in a block. */
    static @Nullable Address of(MemorySegment segment) {
        InPlace known = Known.inPlace;
        return known == null ? null : known.addressOf(segment);
    }

    /** An interface has no fields that change. */
    final class Known {
        private static volatile @Nullable InPlace inPlace;

        private Known() {}
    }
}
