package dev.sennit.manager;

import dev.sennit.codec.Effort;
import dev.sennit.internal.ScopedValueBindings;
import org.jspecify.annotations.Nullable;

/** A call in a manager's server. Objects ask it for the calling client. */
final class ServerCall {
    private static final ScopedValue<ServerCall> CURRENT = ScopedValueBindings.notInherited();

    /** A thread of a client: the owner of a lock. */
    record Caller(ManagerSession session, long thread) {}

    private final Caller caller;
    private final Effort effort;
    /** Only the thread that runs the call, until it has been answered. */
    private @Nullable Runnable undo;

    ServerCall(ManagerSession session, long thread, Effort effort) {
        caller = new Caller(session, thread);
        this.effort = effort;
    }

    /**
     * Counts a step of the calling thread's call: a comparison, or other work of which a client may cause very much.
     * Ends the call if it takes too long, or if no client waits for it any more.
     */
    static void step() {
        if (CURRENT.isBound()) {
            CURRENT.get().effort.step();
        }
    }

    /** Returns the call that the calling thread runs. */
    static ServerCall current() {
        return CURRENT.get();
    }

    Caller caller() {
        return caller;
    }

    ManagerSession session() {
        return caller.session();
    }

    /** Sets an action that runs if the answer does not reach the client, for results that would be lost with it. */
    void ifUnanswered(Runnable action) {
        undo = action;
    }

    @Nullable Runnable undo() {
        return undo;
    }

    /** Runs the body as this call. */
    @Nullable Object run(ScopedValue.CallableOp<@Nullable Object, Throwable> body) throws Throwable {
        return ScopedValue.where(CURRENT, this).call(body);
    }
}
