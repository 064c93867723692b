package dev.sennit.process;

import dev.sennit.JoinableQueue;
import java.util.function.IntFunction;

/** What a manager makes itself: the interface it is called through, and how it is made. */
enum ManagedKind {
    LIST(ListOperations.class, size -> new HostedList()),
    MAP(MapOperations.class, size -> new HostedMap()),
    QUEUE(QueueOperations.class, capacity -> new HostedQueue(JoinableQueue.fifo(capacity))),
    VALUE(ManagedValue.class, size -> new HostedValue()),
    LOCK(LockOperations.class, size -> new HostedLock()),
    SEMAPHORE(ManagedSemaphore.class, HostedSemaphore::new),
    EVENT(ManagedEvent.class, size -> new HostedEvent()),
    BARRIER(ManagedBarrier.class, HostedBarrier::new);

    private final Class<?> type;
    private final IntFunction<Object> maker;

    ManagedKind(Class<?> type, IntFunction<Object> maker) {
        this.type = type;
        this.maker = maker;
    }

    MethodTable methods() {
        return MethodTable.of(type);
    }

    Object make(int size) {
        return maker.apply(size);
    }
}
