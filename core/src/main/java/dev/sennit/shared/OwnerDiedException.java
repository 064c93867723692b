package dev.sennit.shared;

import java.io.Serial;

/**
 * Says that a process died while it had a lock or permits: what they guard may be half changed.
 *
 * <p>Whoever gets it does not have what it asked for. Everybody who asks gets it, until somebody has repaired
 * what is guarded; see {@link SharedLock#lockRecovering} and {@link SharedBoundedSemaphore#reclaim}.
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
     * Who died.
     *
     * @return its process number, which may be another's by now
     */
    public long pid() {
        return pid;
    }
}
