package dev.sennit.manager;

import dev.sennit.manager.wire.BarrierOperations;
import dev.sennit.manager.wire.ListOperations;
import dev.sennit.manager.wire.LockOperations;
import dev.sennit.manager.wire.MapOperations;
import dev.sennit.manager.wire.MethodTable;
import dev.sennit.manager.wire.QueueOperations;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** The objects that a manager makes itself: the interface through which each is called, and how it is made. */
enum ManagedKind {
    LIST(ListOperations.class, size -> new HostedList()),
    MAP(MapOperations.class, size -> new HostedMap()),
    QUEUE(QueueOperations.class, HostedQueue::new),
    VALUE(ManagedValue.class, (size, initial) -> new HostedValue(initial[0])),
    ARRAY(ManagedArray.class, (size, initial) -> new HostedArray(initial)),
    NAMESPACE(ManagedNamespace.class, size -> new HostedNamespace()),
    LOCK(LockOperations.class, size -> new HostedLock()),
    SEMAPHORE(ManagedSemaphore.class, HostedSemaphore::new),
    BOUNDED_SEMAPHORE(ManagedBoundedSemaphore.class, HostedBoundedSemaphore::new),
    EVENT(ManagedEvent.class, size -> new HostedEvent()),
    BARRIER(BarrierOperations.class, HostedBarrier::new);

    private final Class<?> type;
    private final Maker maker;

    private interface Maker {
        Object make(int size, @Nullable Object[] initial);
    }

    ManagedKind(Class<?> type, Maker maker) {
        this.type = type;
        this.maker = maker;
    }

    ManagedKind(Class<?> type, IntFunction<Object> maker) {
        this(type, (size, initial) -> maker.apply(size));
    }

    MethodTable methods() {
        return MethodTable.of(type);
    }

    Object make(int size, @Nullable Object[] initial) {
        return maker.make(size, initial);
    }
}
