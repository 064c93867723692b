package dev.sennit.testing;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Date;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The waits of classes with memory points, which call these methods instead of {@code Object.wait},
 * {@code LockSupport.park} and {@code Condition.await}. Under exploration such a call now and then ends without a
 * reason, as the specifications of all of these allow. The JDK itself hardly ever does that, so other tests do not show
 * what it breaks.
 *
 * <p>A thread in {@code park} goes on at once: others may run at the memory point before. In the other waits it leaves
 * its monitor or lock, and comes back when it is chosen again.
 */
@SuppressWarnings("WaitNotInLoop") // whether there is a loop is up to the code that calls this
public final class SpuriousWaits {
    private static final ClassDesc HERE = ClassDesc.of(SpuriousWaits.class.getName());
    private static final ClassDesc OBJECT = ClassDesc.of("java.lang.Object");
    private static final ClassDesc CONDITION = ClassDesc.of("java.util.concurrent.locks.Condition");
    private static final Map<String, ClassDesc> OWNERS = Map.of(
            "java/lang/Object", OBJECT,
            "java/util/concurrent/locks/Condition", CONDITION,
            "java/util/concurrent/locks/AbstractQueuedSynchronizer$ConditionObject", CONDITION,
            "java/util/concurrent/locks/AbstractQueuedLongSynchronizer$ConditionObject", CONDITION);

    private SpuriousWaits() {}

    // ---- the change of classes ----

    /** Writes the call of a method here instead of a wait; returns false, and writes nothing, for other calls. */
    static boolean replace(InvokeInstruction call, CodeBuilder code) {
        String name = call.name().stringValue();
        String owner = call.owner().asInternalName();
        if (call.opcode() == Opcode.INVOKESTATIC) {
            if (owner.equals("java/util/concurrent/locks/LockSupport") && name.startsWith("park")) {
                code.invokestatic(HERE, name, call.typeSymbol());
                return true;
            }
            return false;
        }
        ClassDesc waitedOn = OWNERS.get(owner);
        if (waitedOn == null || call.opcode() == Opcode.INVOKESPECIAL
                || !name.startsWith(waitedOn == OBJECT ? "wait" : "await")) {
            return false;
        }
        MethodTypeDesc type = call.typeSymbol();
        code.invokestatic(HERE, waitedOn == OBJECT ? "waitOn" : name, type.insertParameterTypes(0, waitedOn));
        return true;
    }

    // ---- what these call ----

    /** Returns the schedule in which the calling thread is to wake for no reason; null if it is to wait. */
    private static @Nullable ScheduleRun early() {
        ScheduleRun run = ScheduleDriver.currentRun();
        return run != null && run.wakesForNoReason() ? run : null;
    }

    /** For {@code Object.wait}. */
    public static void waitOn(Object monitor) throws InterruptedException {
        waitOn(monitor, 0);
    }

    /** For {@code Object.wait}. */
    public static void waitOn(Object monitor, long millis) throws InterruptedException {
        ScheduleRun run = millis < 0 ? null : early();
        if (run == null) {
            monitor.wait(millis);
            return;
        }
        run.wakeSoon();
        try {
            monitor.wait(1);
        } finally {
            run.hasWoken();
        }
    }

    /** For {@code Object.wait}. */
    public static void waitOn(Object monitor, long millis, int nanos) throws InterruptedException {
        if (nanos == 0) {
            waitOn(monitor, millis);
        } else {
            monitor.wait(millis, nanos);
        }
    }

    /** For {@code LockSupport.park}. */
    public static void park() {
        if (early() == null) {
            LockSupport.park();
        }
    }

    /** For {@code LockSupport.park}. */
    public static void park(@Nullable Object blocker) {
        if (early() == null) {
            LockSupport.park(blocker);
        }
    }

    /** For {@code LockSupport.parkNanos}. */
    public static void parkNanos(long nanos) {
        if (early() == null) {
            LockSupport.parkNanos(nanos);
        }
    }

    /** For {@code LockSupport.parkNanos}. */
    public static void parkNanos(@Nullable Object blocker, long nanos) {
        if (early() == null) {
            LockSupport.parkNanos(blocker, nanos);
        }
    }

    /** For {@code LockSupport.parkUntil}. */
    public static void parkUntil(long deadline) {
        if (early() == null) {
            LockSupport.parkUntil(deadline);
        }
    }

    /** For {@code LockSupport.parkUntil}. */
    public static void parkUntil(@Nullable Object blocker, long deadline) {
        if (early() == null) {
            LockSupport.parkUntil(blocker, deadline);
        }
    }

    /** The same for conditions: they look at a clock, which has to be that of the schedule. */
    private static @Nullable ScheduleRun earlyByClock() {
        return VirtualTime.isSet() ? early() : null;
    }

    /** Leaves the lock of a condition, and comes back. */
    private static void leave(Condition condition, ScheduleRun run) throws InterruptedException {
        run.wakeSoon();
        try {
            condition.awaitNanos(1);
        } finally {
            run.hasWoken();
        }
    }

    /** For {@code Condition.await}. */
    public static void await(Condition condition) throws InterruptedException {
        ScheduleRun run = earlyByClock();
        if (run == null) {
            condition.await();
        } else {
            leave(condition, run);
        }
    }

    /** For {@code Condition.await}. */
    public static boolean await(Condition condition, long time, TimeUnit unit) throws InterruptedException {
        ScheduleRun run = time <= 0 ? null : earlyByClock();
        if (run == null) {
            return condition.await(time, unit);
        }
        leave(condition, run);
        return true;
    }

    /** For {@code Condition.awaitNanos}. */
    public static long awaitNanos(Condition condition, long nanos) throws InterruptedException {
        ScheduleRun run = nanos <= 0 ? null : earlyByClock();
        if (run == null) {
            return condition.awaitNanos(nanos);
        }
        long before = System.nanoTime();
        leave(condition, run);
        return nanos - (System.nanoTime() - before);
    }

    /** For {@code Condition.awaitUntil}. */
    public static boolean awaitUntil(Condition condition, Date deadline) throws InterruptedException {
        ScheduleRun run = deadline.getTime() <= System.currentTimeMillis() ? null : earlyByClock();
        if (run == null) {
            return condition.awaitUntil(deadline);
        }
        leave(condition, run);
        return true;
    }

    /** For {@code Condition.awaitUninterruptibly}, which an interrupt does not end: that is told afterwards. */
    public static void awaitUninterruptibly(Condition condition) {
        ScheduleRun run = earlyByClock();
        boolean interrupted = run != null && Thread.interrupted();
        try {
            if (run == null) {
                condition.awaitUninterruptibly();
            } else {
                leave(condition, run);
            }
        } catch (InterruptedException e) {
            interrupted = true; // it has its lock again, and goes on for no reason
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
