package dev.sennit.shared;

import dev.sennit.codec.Address;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;

/** What the synchronizers in shared memory have in common: each has a block of its own, and is sent as this block. */
abstract sealed class SharedSynchronizer implements Serializable
        permits AbstractSharedLock, SharedSemaphore, SharedBoundedSemaphore, SharedEvent, SharedBarrier {
    @Serial
    private static final long serialVersionUID = 1L;

    final transient SharedMemory memory;

    SharedSynchronizer(SharedMemory memory) {
        this.memory = memory;
    }

    Address address() {
        return new SharedAddresses.OwnBlock(getClass().getSimpleName(), memory);
    }

    @Serial
    final Object writeReplace() {
        return address();
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("is sent as its memory");
    }

    /** Called for a forged stream that leaves this class out. */
    @Serial
    private void readObjectNoData() throws InvalidObjectException {
        throw new InvalidObjectException("is sent as its memory");
    }
}
