package dev.sennit.manager.wire;

import dev.sennit.manager.wire.ManagerProtocol.Message;
import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The calls of one connection to a manager that have no answer yet. */
public final class CallsUnderWay {
    /** By number, the oldest first. A call is in one of the two maps, and for a moment in both. */
    private final ConcurrentNavigableMap<Long, Call> ofLeaders = new ConcurrentSkipListMap<>();

    private final ConcurrentNavigableMap<Long, Call> ofOthers = new ConcurrentSkipListMap<>();

    /** A call of the thread that makes it. */
    public static final class Call {
        private final long number;
        private final Thread caller = Thread.currentThread();
        /** Only the caller. */
        private boolean mayLead = !caller.isVirtual();

        private volatile boolean over;
        /** Written before {@link #over}. */
        private @Nullable Message answer;

        public Call(long number) {
            this.number = number;
        }

        public long number() {
            return number;
        }

        /** Returns whether its caller may read for others; see {@code ReadingRole}. */
        public boolean mayLead() {
            return mayLead;
        }

        public boolean isOver() {
            return over;
        }

        /** Returns the answer; null if the manager was lost. */
        public @Nullable Message answer() {
            return answer;
        }

        private void end(@Nullable Message with) {
            answer = with;
            over = true;
            LockSupport.unpark(caller);
        }
    }

    public void add(Call call) {
        (call.mayLead ? ofLeaders : ofOthers).put(call.number, call);
    }

    public void remove(Call call) {
        ofLeaders.remove(call.number);
        ofOthers.remove(call.number);
    }

    /** Ends the call that a message answers, if it is still here. */
    public void answer(Message message) {
        Call call = ofLeaders.remove(message.call());
        if (call == null) {
            call = ofOthers.remove(message.call());
        }
        if (call != null) {
            call.end(message);
        }
    }

    /** Ends all calls without an answer. */
    public void endAll() {
        endAll(ofLeaders);
        endAll(ofOthers); // second, as calls move here from the first
    }

    private static void endAll(ConcurrentNavigableMap<Long, Call> calls) {
        for (Long number : calls.keySet()) {
            Call call = calls.remove(number);
            if (call != null) {
                call.end(null);
            }
        }
    }

    /** Notes that the call's caller leads no more. Called by the caller, while no other thread takes answers. */
    public void leadsNoMore(Call call) {
        call.mayLead = false;
        ofOthers.put(call.number, call);
        ofLeaders.remove(call.number);
    }

    /** Returns a caller that may lead; null if no waiting caller may. */
    public @Nullable Thread leader() {
        Map.Entry<Long, Call> oldest = ofLeaders.firstEntry();
        return oldest == null ? null : oldest.getValue().caller;
    }

    /** Returns whether a call waits whose caller does not lead. */
    public boolean haveOthers() {
        return !ofOthers.isEmpty();
    }
}
