package dev.sennit.loop;

import java.lang.management.ManagementFactory;
import java.util.List;
import javax.management.JMException;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/** The open event loops of this JVM, for {@link LoopsMXBean}. */
public final class Loops implements LoopsMXBean {
    /** Only the thread of {@link LoopWatch}. Under which name it was registered, or could not be. */
    private static @Nullable ObjectName registered;

    /** For the MBean server. */
    public Loops() {}

    /**
     * Registers one where nobody could make it by the name of its class, as this class's loader is one that no MBean server knows; but
     * not before there is a server, which is when somebody looks into this JVM.
     */
    static void registerIfAskedFor() {
        ClassLoader loader = Loops.class.getClassLoader();
        if (registered != null || loader == ClassLoader.getSystemClassLoader()) {
            return;
        }
        try {
            if (MBeanServerFactory.findMBeanServer(null).isEmpty()) {
                return;
            }
            registered = new ObjectName(NAME + ",loader=" + Integer.toHexString(System.identityHashCode(loader)));
            ManagementFactory.getPlatformMBeanServer().registerMBean(new Loops(), registered);
        } catch (JMException | RuntimeException | LinkageError e) { // the watch goes on without
            EventLoop.LOG.log(System.Logger.Level.DEBUG, "loops cannot be looked at from outside", e);
        }
    }

    /** So that the loader of this class can be let go of. */
    static void unregister() {
        if (registered != null) {
            try {
                ManagementFactory.getPlatformMBeanServer().unregisterMBean(registered);
            } catch (JMException | RuntimeException e) {
                // it was not, or is not any more
            }
            registered = null;
        }
    }

    @Override
    public List<Loop> loops() {
        return LoopWatch.open().stream().map(Loops::loop).toList();
    }

    private static Loop loop(EventLoop loop) {
        CoroutineTree tree = loop.tree();
        return new Loop(
                tree.loop(),
                tree.mechanism().name(),
                loop.deadlocks().lines().toList(),
                tree.nodes().stream().map(Loops::coroutine).toList());
    }

    private static Coroutine coroutine(CoroutineTree.Node node) {
        return new Coroutine(
                node.id(),
                node.name(),
                node.state().name(),
                node.waitsFor(),
                node.age().toMillis(),
                node.startedBy(),
                Frames.place(node.stack()),
                node.stack().stream().map(Frames::text).toList());
    }
}
