package dev.sennit.manager;

import dev.sennit.codec.Effort;
import dev.sennit.internal.ScopedValueBindings;
import org.jspecify.annotations.Nullable;

/** A call in a manager's server: whose it is, for objects that ask. */
final class ServerCall {
    private static final ScopedValue<ServerCall> CURRENT = ScopedValueBindings.notInherited();

    /** A thread of a client: what can have a lock. */
    record Caller(ManagerSession session, long thread) {}

    private final Caller caller;
    private final Effort effort;
    /** Only the thread that runs the call, until it has been answered. */
    private @Nullable Runnable undo;

    ServerCall(ManagerSession session, long thread, Effort effort) {
        caller = new Caller(session, thread);
        this.effort = effort;
    }

    /** The calling thread is about to compare, or do something else of which a client may have it do very much; ends the call in time. */
    static void step() {
        if (CURRENT.isBound()) {
            CURRENT.get().effort.step();
        }
    }

    /** The call that the calling thread runs. */
    static ServerCall current() {
        return CURRENT.get();
    }

    Caller caller() {
        return caller;
    }

    ManagerSession session() {
        return caller.session();
    }

    /** What to do if the answer does not reach the client; for what would be lost with it. */
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
