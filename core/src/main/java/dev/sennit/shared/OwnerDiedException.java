package dev.sennit.shared;

import java.io.Serial;

/**
 * Thrown when a process died while it had a lock or permits: the guarded data may be half changed.
 *
 * <p>The caller does not get the lock or permit. Every caller gets this exception until somebody has made the repair;
 * see {@link SharedLock#lockRecovering} and {@link SharedBoundedSemaphore#reclaim}.
 */
public final class OwnerDiedException extends IllegalStateException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final long pid;

    OwnerDiedException(long pid, String message) {
        super(message);
        this.pid = pid;
    }

    /**
     * Returns the id of the process that died.
     *
     * @return its process id, which another process may have by now
     */
    public long pid() {
        return pid;
    }
}
