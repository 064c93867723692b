package dev.sennit.shared;

import dev.sennit.codec.Address;
import dev.sennit.codec.InPlace;
import java.io.ObjectStreamException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Makes the addresses that travel in place of values in shared memory. */
final class SharedAddresses implements InPlace {
    @Override
    public @Nullable Address addressOf(Object value) throws ObjectStreamException {
        return switch (value) {
            case SharedMemory memory -> (Address) memory.writeReplace();
            case SharedNumber number -> new Placed(number.getClass().getSimpleName(), number.place);
            case SharedArray array -> new Placed(array.getClass().getSimpleName(), array.place);
            case SharedBoolean flag -> new Placed(SharedBoolean.class.getSimpleName(), flag.place());
            case SharedList list -> new Placed(SharedList.class.getSimpleName(), list.place());
            case SharedSynchronizer synchronizer -> synchronizer.address();
            case SharedCondition condition -> (Address) condition.writeReplace();
            case SharedQueue<?> queue -> queue.address();
            default -> null;
        };
    }

    @Override
    public @Nullable Address addressOf(MemorySegment segment) {
        return SharedMemory.partOf(segment);
    }

    /**
     * A number, array or list in shared memory.
     *
     * @param kind the simple name of its class
     */
    record Placed(String kind, Place place) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return switch (kind) {
                case "SharedLong" -> new SharedLong(place);
                case "SharedInt" -> new SharedInt(place);
                case "SharedDouble" -> new SharedDouble(place);
                case "SharedBoolean" -> new SharedBoolean(new SharedInt(place));
                case "SharedLongArray" -> new SharedLongArray(place);
                case "SharedIntArray" -> new SharedIntArray(place);
                case "SharedDoubleArray" -> new SharedDoubleArray(place);
                case "SharedByteArray" -> new SharedByteArray(place);
                case "SharedList" -> new SharedList(place);
                default -> throw new IllegalArgumentException("nothing shared is called " + kind);
            };
        }
    }

    /**
     * A synchronizer that has a block of its own.
     *
     * @param kind the simple name of its class
     */
    record OwnBlock(String kind, SharedMemory memory) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return switch (kind) {
                case "SharedLock" -> memory.as(SharedLock.class, SharedLock::new);
                case "SharedReentrantLock" -> memory.as(SharedReentrantLock.class, SharedReentrantLock::new);
                case "SharedSemaphore" -> memory.as(SharedSemaphore.class, SharedSemaphore::new);
                case "SharedBoundedSemaphore" -> memory.as(SharedBoundedSemaphore.class, SharedBoundedSemaphore::new);
                case "SharedEvent" -> memory.as(SharedEvent.class, SharedEvent::new);
                default -> throw new IllegalArgumentException("no synchronizer is called " + kind);
            };
        }
    }
}
