package dev.sennit.codec;

import java.io.ObjectStreamException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Replaces values that stay where they are when a message is sent. Shared memory registers its implementation with its
 * first block, before any such value can exist; so messages need not know shared memory.
 */
public interface InPlace {
    /** The address that travels in a value's place; null for all other values. */
    @Nullable Address addressOf(Object value) throws ObjectStreamException;

    /** The address that travels in a segment's place; null if the segment does not lie in a block. */
    @Nullable Address addressOf(MemorySegment segment);

    /** Registers the implementation. Called when the class of shared memory is initialized. */
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

    /** Holds the implementation, as an interface has no mutable fields. */
    final class Known {
        private static volatile @Nullable InPlace inPlace;

        private Known() {}
    }
}
