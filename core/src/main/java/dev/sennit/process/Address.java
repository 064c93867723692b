package dev.sennit.process;

import java.io.ObjectStreamException;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** What travels in the place of something that stays where it is, or of a value of {@link ValueForms}. Records, so that they have a compact form. */
interface Address extends Serializable {
    /** What it leads to here. Public, as all of an interface; Java serialization calls it too. */
    Object readResolve() throws ObjectStreamException;

    /** Of what is shared: what travels in its place in the {@link CompactForm}; null for all else. */
    static @Nullable Record of(Object value) throws ObjectStreamException {
        return switch (value) {
            case SharedMemory memory -> memory.address();
            case SharedNumber number -> new Placed(number.getClass().getSimpleName(), number.place);
            case SharedArray array -> new Placed(array.getClass().getSimpleName(), array.place);
            case SharedBoolean flag -> new Placed(SharedBoolean.class.getSimpleName(), flag.place());
            case SharedList list -> new Placed(SharedList.class.getSimpleName(), list.place());
            case AbstractSharedLock lock -> (Record) lock.writeReplace();
            case SharedCondition condition -> (Record) condition.writeReplace();
            case SharedSemaphore semaphore -> (Record) semaphore.writeReplace();
            case SharedBoundedSemaphore semaphore -> (Record) semaphore.writeReplace();
            case SharedEvent event -> (Record) event.writeReplace();
            case SharedBarrier barrier -> (Record) barrier.writeReplace();
            case SharedQueue<?> queue -> queue.address();
            default -> null;
        };
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
}
