package dev.sennit.loop;

import dev.sennit.internal.Beans;
import java.util.List;

/** The open event loops of this JVM, for {@link LoopsMXBean}. */
public final class Loops implements LoopsMXBean {
    /** For the MBean server. */
    public Loops() {}

    /** Registers the bean of a library whose class loader the MBean server does not know; see {@link Beans}. */
    static void registerIfAskedFor() {
        try {
            Beans.registerIfAskedFor();
        } catch (Exception | LinkageError e) { // the watcher goes on without the bean
            EventLoop.LOG.log(System.Logger.Level.DEBUG, "loops cannot be looked at from outside", e);
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
